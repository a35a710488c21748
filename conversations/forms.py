"""HTML forms: one for each command that a page can send."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.texts import is_blank
from conversations.exceptions import InvalidText, TextTooLong
from conversations.protocol.commands import LARGEST_NUMBER
from conversations.protocol.text import BODY_CHARS, clean_body, strip_trailing_blank_lines
from conversations.services.invites import DEFAULT_LIFE, NOTE_MAX, clean_note


class BodyField(forms.CharField):
    """A message body, without trailing blank lines."""

    may_be_empty = False
    """The message has files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, error_messages={"required": _("Write something first.")}, **options)

    def clean(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return strip_trailing_blank_lines(clean_body(text, may_be_empty=self.may_be_empty))
        except TextTooLong:
            raise forms.ValidationError(
                _("This message is too long. The limit is %(most)s characters."), params={"most": BODY_CHARS}
            ) from None
        except InvalidText:
            reason = (
                _("Write something first.")
                if is_blank(text)
                else _("This text contains characters that can’t be sent.")
            )
            raise forms.ValidationError(reason) from None


class MessageForm(forms.Form):
    """One message. The page contains its `id`, so that submitting twice sends it once."""

    body = BodyField(
        widget=forms.Textarea(
            attrs={"rows": 1, "maxlength": BODY_CHARS, "dir": "auto", "autocomplete": "off"}
        ),
        label=_("Message"),
    )
    id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, has_files: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["body"].may_be_empty = has_files  # type: ignore[attr-defined]


class EditForm(forms.Form):
    """The new text of one message, and the version of it that the page shows."""

    body = BodyField(
        widget=forms.Textarea(
            attrs={"rows": 4, "maxlength": BODY_CHARS, "dir": "auto", "autocomplete": "off"}
        ),
        label=_("Message"),
    )
    version = forms.IntegerField(
        min_value=1, max_value=LARGEST_NUMBER, required=False, widget=forms.HiddenInput
    )


class ReplyForm(MessageForm):
    """The answer to one message. Its ids differ from those of the edit form on the same page."""

    body = BodyField(
        widget=forms.Textarea(
            attrs={"rows": 2, "maxlength": BODY_CHARS, "dir": "auto", "autocomplete": "off"}
        ),
        label=_("Reply"),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options["auto_id"] = "reply_%s"
        super().__init__(*args, **options)


class ForwardForm(forms.Form):
    """Where to forward one message; `targets` are pairs of room and name."""

    room = forms.ChoiceField(label=_("Forward to"))
    id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, targets: list[tuple[str, str]], **options: Any) -> None:
        options["auto_id"] = "forward_%s"
        super().__init__(*args, **options)
        self.fields["room"].choices = targets  # type: ignore[attr-defined]


LIVES = [("1h", _("1 hour")), ("1d", _("1 day")), ("7d", _("7 days")), ("30d", _("30 days"))]


class NoteField(forms.CharField):
    """The inviter's note: who the link is for."""

    def __init__(self, **options: Any) -> None:
        too_long = _("Use at most %(limit_value)d characters.")
        super().__init__(
            max_length=NOTE_MAX, required=False, error_messages={"max_length": too_long}, **options
        )

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            return clean_note(text)
        except InvalidText:
            raise forms.ValidationError(_("This text contains characters that can’t be stored.")) from None


class InviteForm(forms.Form):
    """A new link. The page contains its `key`, so that submitting twice creates one link."""

    note = NoteField(
        label=_("Who is it for?"),
        help_text=_("Only you see this."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    lives = forms.ChoiceField(
        label=_("Valid for"), choices=LIVES, initial=DEFAULT_LIFE, widget=forms.RadioSelect
    )
    key = forms.UUIDField(initial=uuid.uuid4, required=False, widget=forms.HiddenInput)


class InviteChangeForm(forms.Form):
    """Changes the note or the lifetime of an open link; fields that are not sent stay unchanged."""

    note = NoteField()
    lives = forms.ChoiceField(choices=LIVES, required=False)

    @property
    def new_note(self) -> str | None:
        note: str | None = self.cleaned_data["note"] if "note" in self.data else None
        return note

    @property
    def new_lives(self) -> str | None:
        return self.cleaned_data["lives"] or None
