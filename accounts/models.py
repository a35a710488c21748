"""Account models: user, profile, device, held username. Knows no conversations."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MaxLengthValidator, MinLengthValidator, RegexValidator
from django.db import models, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.folding import search_key
from accounts.hashers import HashingBusy
from accounts.passwords import normalize_password
from accounts.session_secrets import bind, new_secret, secret_of
from accounts.usernames import HANDLE, skeleton

NAME_MAX = 50
USERNAME_MIN, USERNAME_MAX = 3, 24
PUBLIC_ID_CHARS = "abcdefghijklmnopqrstuvwxyz234567"
SESSION_HASH_SALT = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
"""Django's own salt, so that sessions from before `session_binding` stay valid."""


def new_public_id() -> str:
    """16 random characters for the wire; a number would reveal the account's age and how many there are."""
    return "".join(secrets.choice(PUBLIC_ID_CHARS) for _ in range(16))


def profile_search_key(name: str, username: str) -> str:
    """Name first, to sort by it; truncated, because folding turns some characters into eighteen."""
    return f"{search_key(name)[:150]} {username}"


class AccountManager(UserManager["User"]):
    """Manager for accounts; makes `createsuperuser` create the profile as well."""

    def _create_user_object(
        self, username: str, email: str | None, password: str | None, **extra: Any
    ) -> User:
        """Normalizes the password: Django hashes it here, without calling `User.set_password`."""
        hashed = password and normalize_password(password)
        made: User = super()._create_user_object(username, email, hashed, **extra)  # type: ignore[misc]
        return made

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> User:
        with transaction.atomic(using=self.db):
            user = super().create_superuser(username.lower(), email, password, **extra)
            Profile.objects.using(self.db).create(
                user=user, search_key=profile_search_key(user.name, user.username)
            )
        return user


class User(AbstractUser):
    """An account. `id` stays inside the server; clients see `public_id`."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    # ASCII only, so that look-alike letters of other scripts cannot imitate a username (docs/threats.md T61).
    username = models.CharField(
        _("username"),
        max_length=USERNAME_MAX,
        unique=True,
        validators=[
            MinLengthValidator(USERNAME_MIN),
            MaxLengthValidator(USERNAME_MAX),
            RegexValidator(
                HANDLE,
                _(
                    "Use letters a to z, digits, dots, dashes and underscores, "
                    "and begin with a letter or digit."
                ),
            ),
        ],
        error_messages={"unique": _("This username is taken. Choose another one.")},
    )
    # Index for look-alike usernames (accounts/usernames.py); derived from the username.
    skeleton = models.CharField(
        max_length=USERNAME_MAX, default="", db_default="", editable=False, db_index=True
    )
    name = models.CharField(_("name"), max_length=NAME_MAX)
    picture = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    """File name (accounts/avatars/storage.py). Not in the profile: pages need it together with the name."""

    # See `session_secret`. `db_default`: processes of the previous version create accounts during an update.
    session_binding = models.CharField(max_length=200, default="", db_default="", editable=False)

    objects: ClassVar[AccountManager] = AccountManager()
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"

    def __str__(self) -> str:
        return f"@{self.username}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Updates the skeleton with the username, and the session binding with the password."""
        self.skeleton = skeleton(self.username)
        if self._state.adding and self.session_secret == self.password:
            self.session_binding = bind(self.password, new_secret())
        if update_fields is not None:
            with_them = {"username": "skeleton", "password": "session_binding"}
            fields = set(update_fields)
            update_fields = fields | {with_them[name] for name in fields & with_them.keys()}
        super().save(*args, update_fields=update_fields, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalize_password(raw_password))
        self.session_binding = bind(self.password, new_secret())

    def check_password(self, raw_password: str | None) -> bool:
        """Accepts any Unicode form. Old hashes of the unnormalized password are tried second, and replaced.

        This costs two hashes if the forms differ. Logins of unknown users cost as many (accounts/adapter.py).

        Django would upgrade a hash with `set_password`, which ends every other session; here the password
        stays the same.
        """
        typed = raw_password or ""
        normal = normalize_password(typed)
        for form in dict.fromkeys((normal, typed)):
            is_correct, is_old = verify_password(form, self.password)
            if is_correct:
                if is_old or form != normal:
                    self.upgrade_hash(normal)
                return True
        return False

    def upgrade_hash(self, password: str) -> None:
        """Skipped while all hashing slots are in use; a later login upgrades the hash."""
        with suppress(HashingBusy):
            self.replace_hash(make_password(password))

    async def acheck_password(self, raw_password: str | None) -> bool:
        """Overridden, because Django's version does not call our `check_password`."""
        return await sync_to_async(self.check_password)(raw_password)

    def replace_hash(self, password: str) -> None:
        """Store another hash of the same password; sessions stay valid.

        Compare-and-set on the verified hash: a slow login must not overwrite a newer password.
        """
        binding = bind(password, self.session_secret)
        if User.objects.filter(pk=self.pk, password=self.password).update(
            password=password, session_binding=binding
        ):
            self.password, self.session_binding = password, binding

    @property
    def session_secret(self) -> str:
        """What sessions are bound to, instead of the hash. Changes with the password (docs/adr/0013)."""
        return secret_of(self.password, self.session_binding)

    def get_session_auth_hash(self) -> str:
        return self.session_hash()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self.session_hash, settings.SECRET_KEY_FALLBACKS)

    def session_hash(self, key: str | None = None) -> str:
        """The HMAC of the session secret that a session stores; `key` replaces SECRET_KEY."""
        return str(
            salted_hmac(SESSION_HASH_SALT, self.session_secret, secret=key, algorithm="sha256").hexdigest()
        )

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class Profile(models.Model):
    """Privacy, appearance and public text of a user. One row for each account, created with it."""

    class StartBy(models.TextChoices):
        """Who may start a chat with the user."""

        EVERYBODY = "everybody", _("Everyone")
        AFTER_I_ACCEPT = "after_i_accept", _("Ask me first")
        ONLY_BY_INVITE = "only_by_invite", _("Only with my invite link")

    class Theme(models.TextChoices):
        AUTO = "auto", _("Match system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class TextSize(models.TextChoices):
        """Text size of messages."""

        SMALL = "small", _("Small")
        NORMAL = "normal", _("Normal")
        LARGE = "large", _("Large")
        LARGEST = "largest", _("Largest")

    class Hours(models.TextChoices):
        AUTO = "auto", _("Automatic")
        TWELVE = "12", _("12 hours")
        TWENTY_FOUR = "24", _("24 hours")

    class Enter(models.TextChoices):
        """What Enter does on devices with a mouse; on touch screens it starts a new line."""

        SENDS = "sends", _("Enter sends")
        LINE = "line", _("Enter starts a new line")

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    about = models.CharField(_("about you"), max_length=140, blank=True)
    listed = models.BooleanField(_("show me in People"), default=False, db_index=True)
    start_by = models.CharField(max_length=16, choices=StartBy, default=StartBy.AFTER_I_ACCEPT)
    invites_show_name = models.BooleanField(_("show my name on my invites"), default=True)
    shares_receipts = models.BooleanField(_("read receipts"), default=True)
    shares_typing = models.BooleanField(_("typing"), default=True)
    shares_presence = models.BooleanField(_("last seen and online"), default=True)
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.AUTO)
    language = models.CharField(max_length=8, blank=True)
    text_size = models.CharField(
        max_length=7, choices=TextSize, default=TextSize.NORMAL, db_default=TextSize.NORMAL
    )
    enter = models.CharField(max_length=5, choices=Enter, default=Enter.SENDS, db_default=Enter.SENDS)
    hours = models.CharField(max_length=4, choices=Hours, default=Hours.AUTO, db_default=Hours.AUTO)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    search_key = models.CharField(max_length=200, db_index=True, editable=False, default="")

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class Device(models.Model):
    """A session as listed for its owner (accounts/devices.py). Authorization never reads it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    # The id in pages: the primary key would reveal the number of logins on this server.
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    active_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"a device of {self.user_id}"


class HeldUsername(models.Model):
    """A former username, reserved for its owner for a while.

    A contact who still uses it must not reach a stranger (docs/threats.md T64).
    """

    username = models.CharField(max_length=USERNAME_MAX, primary_key=True)
    skeleton = models.CharField(
        max_length=USERNAME_MAX, default="", db_default="", editable=False, db_index=True
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"@{self.username}, left"
