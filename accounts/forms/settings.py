"""Settings forms: profile, privacy, appearance, picture; one for each page.

A form is posted as a whole, or with `only`, the name of the one control that changed: a page that was open
for a day must not reset every other setting to its old value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.avatars import storage as avatar_storage
from accounts.fields import LanguageSelect, NameField, TextField, UsernameField
from accounts.models import Profile
from accounts.rate_limits import retry_after_s, wait_sentence
from accounts.usernames import normalize_username

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Group = tuple[str | Promise, tuple[str, ...]]


class SettingsForm(forms.Form):
    """Base class: a form that edits one profile."""

    wait_s = 0
    """Seconds until the next attempt, after a change was rejected by a rate limit."""
    groups: ClassVar[tuple[Group, ...]] = ()
    """Title and field names of each group, in page order."""

    def __init__(self, profile: Profile, data: Any = None, *, here: Mapping[str, Any] | None = None) -> None:
        """`here` holds values of this device that override those of the account."""
        self.profile = profile
        super().__init__(data, initial={**self.initial_of(profile), **(here or {})})

    @classmethod
    def posted(cls, profile: Profile, data: QueryDict) -> Self:
        """The posted form; with `only`, that one control on top of the stored values.

        A missing field keeps its value. A missing checkbox counts as off, because browsers send nothing for
        it.
        """
        only = data.get("only", "")
        is_whole = only not in cls.base_fields
        filled = data.copy()
        for name, value in cls.initial_of(profile).items():
            is_switch = isinstance(value, bool)
            is_meant = name == only or (is_whole and (is_switch or name in data))
            if not is_meant:
                filled[name] = ("on" if value else "") if is_switch else value
        return cls(profile, filled)

    @property
    def boxes(self) -> list[tuple[str | Promise, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.groups]

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        raise NotImplementedError

    def save(self) -> None:
        raise NotImplementedError


class ProfileForm(SettingsForm):
    name = NameField()
    username = UsernameField()
    about = TextField(
        label=_("About you"),
        max_length=140,
        required=False,
        help_text=_("One line that others see under your name, up to 140 characters."),
        error_messages={"max_length": _("About you: use at most %(limit_value)d characters.")},
    )

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        return {"name": profile.user.name, "username": profile.user.username, "about": profile.about}

    def clean_username(self) -> str:
        wanted = normalize_username(self.cleaned_data["username"])
        user = self.profile.user
        # Users may keep their username even if it is reserved for others, such as the administrator's
        # "admin".
        return wanted if wanted == user.username else get_adapter().clean_new_username(wanted, user)

    def save(self) -> None:
        """Raises ValidationError: a concurrent request took the username, or a rate limit was reached."""
        before = self.profile.user.username
        self.require_few_changes()
        try:
            services.profile_update(profile=self.profile, **self.cleaned_data)
        except (services.UsernameTaken, IntegrityError):
            self.profile.user.username = before
            raise ValidationError({"username": get_adapter().validation_error("username_taken")}) from None
        except services.TooManyHandles as refusal:
            self.profile.user.username = before
            seconds = math.ceil((refusal.until - timezone.now()).total_seconds())
            self.reject(
                "username", _("Too many of your earlier usernames are still reserved for you."), seconds
            )

    def require_few_changes(self) -> None:
        """Rate limits: a new name or username is pushed to every peer of this user."""
        user = self.profile.user
        for field, action in (("username", "username_change"), ("name", "name_change")):
            if self.cleaned_data[field] != getattr(user, field) and not ratelimit.consume(
                context.request, action=action, user=user
            ):
                sentence = (
                    _("Your username has changed too often today.")
                    if field == "username"
                    else _("Your name has changed too often.")
                )
                self.reject(field, sentence, retry_after_s(context.request, action))

    def reject(self, field: str, sentence: str | Promise, seconds: int) -> NoReturn:
        self.wait_s = seconds
        raise ValidationError({field: f"{sentence} {wait_sentence(seconds)}"})


def switch(label: _StrPromise, help_text: _StrPromise) -> forms.BooleanField:
    """Off is a valid choice, though browsers send nothing for it."""
    return forms.BooleanField(label=label, required=False, help_text=help_text)


class PrivacyForm(SettingsForm):
    """What others see and may do. "Ask me first" is not offered until message requests exist."""

    PRESENCE = (("chats", _("People I chat with")), ("nobody", _("Nobody")))
    START = (
        (Profile.StartBy.EVERYBODY.value, _("Everyone on this server")),
        (Profile.StartBy.ONLY_BY_INVITE.value, _("Only with my invite link")),
    )

    presence = forms.ChoiceField(
        label=_("Last seen and online"),
        choices=PRESENCE,
        help_text=_("Who can see when you are online. If you hide yours, you won’t see theirs either."),
    )
    shares_receipts = switch(
        _("Read receipts"),
        _("Others see when you have read their messages. If you turn this off, you won’t see theirs either."),
    )
    shares_typing = switch(
        _("Typing"), _("Others see when you are typing. If you turn this off, you won’t see theirs either.")
    )
    start_by = forms.ChoiceField(
        label=_("New chats"),
        choices=START,
        help_text=_("Someone with your invite link can always start one."),
    )
    listed = switch(_("Show me in People"), _("Others on this server can find you by name or username."))
    invites_show_name = switch(
        _("Show my name on my invites"), _("Anyone who opens your invite link sees who it is from.")
    )
    groups = (
        (_("What others see"), ("presence", "shares_receipts", "shares_typing")),
        (_("Who can start a chat"), ("start_by", "listed")),
        (_("Invites"), ("invites_show_name",)),
    )

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        is_closed = profile.start_by == Profile.StartBy.ONLY_BY_INVITE
        return {
            "presence": "chats" if profile.shares_presence else "nobody",
            "shares_receipts": profile.shares_receipts,
            "shares_typing": profile.shares_typing,
            "start_by": Profile.StartBy.ONLY_BY_INVITE.value
            if is_closed
            else Profile.StartBy.EVERYBODY.value,
            "listed": profile.listed,
            "invites_show_name": profile.invites_show_name,
        }

    def save(self) -> None:
        choices = dict(self.cleaned_data)
        choices["shares_presence"] = choices.pop("presence") == "chats"
        was_closed = self.profile.start_by == Profile.StartBy.ONLY_BY_INVITE
        if choices["start_by"] != Profile.StartBy.ONLY_BY_INVITE:
            # The form shows "ask me first" and "everyone" as one choice; reopening selects the more careful
            # one.
            choices["start_by"] = Profile.StartBy.AFTER_I_ACCEPT if was_closed else self.profile.start_by
        services.privacy_update(profile=self.profile, **choices)


class AppearanceForm(SettingsForm):
    theme = forms.ChoiceField(label=_("Theme"), choices=Profile.Theme.choices, widget=forms.RadioSelect)
    text_size = forms.ChoiceField(
        label=_("Text size"), choices=Profile.TextSize.choices, widget=forms.RadioSelect
    )
    enter = forms.ChoiceField(
        label=_("Enter key"),
        choices=Profile.Enter.choices,
        help_text=_(
            "Ctrl+Enter always sends. On a touch screen, Enter starts a new line and the button sends."
        ),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=LanguageSelect)
    hours = forms.ChoiceField(
        label=_("Time format"), choices=Profile.Hours.choices, help_text=_("Automatic follows your language.")
    )
    groups = (
        (_("Appearance"), ("theme", "text_size")),
        (_("Writing"), ("enter",)),
        (_("Language and time"), ("language", "hours")),
    )

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        return {
            "theme": profile.theme,
            "text_size": profile.text_size,
            "enter": profile.enter,
            "language": profile.language or get_language(),
            "hours": profile.hours,
        }

    def save(self) -> None:
        services.appearance_update(profile=self.profile, **self.cleaned_data)


class PictureForm(forms.Form):
    """An uploaded file and the chosen square. avatars/storage.py validates the content of the file."""

    picture = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG or WebP, up to 8 MB. Location data is removed."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages={
            "required": _("Choose a picture first."),
            "empty": _("This file is empty. Choose another picture."),
        },
    )
    crop = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def clean_picture(self) -> bytes:
        file = self.cleaned_data["picture"]
        if file.size > avatar_storage.MAX_BYTES:
            raise ValidationError(_("Choose a picture of at most 8 MB."), code="too_large")
        data: bytes = file.read()
        return data

    def clean_crop(self) -> list[float] | None:
        """An invalid or missing crop (browsers without JavaScript) means the centre."""
        try:
            crop = [float(part) for part in self.cleaned_data["crop"].split()]
        except ValueError:
            return None
        is_valid = (
            len(crop) == 3
            and all(math.isfinite(part) and 0 <= part <= 1 for part in crop)
            and crop[2] >= 0.01
        )
        return crop if is_valid else None

    def save(self, profile: Profile) -> None:
        """Raises ValidationError (not a picture, too large), PictureBusy, OSError."""
        try:
            webp = avatar_storage.picture_make(
                self.cleaned_data["picture"], self.cleaned_data["crop"], user=profile.user.pk
            )
        except avatar_storage.PictureTooLarge:
            raise ValidationError(
                {"picture": _("This picture is too large. Choose one of at most 8 MB and 40 megapixels.")}
            ) from None
        except avatar_storage.InvalidPicture:
            raise ValidationError(
                {"picture": _("We can’t read this picture. Choose a JPEG, PNG or WebP.")}
            ) from None
        services.picture_set(user=profile.user, webp=webp)
