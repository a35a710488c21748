"""Password normalization, and Django's password validators with messages that say what to do."""

import unicodedata
from typing import Any

from django.contrib.auth import password_validation as rules
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.hashers import PASSWORD_MAX


def normalize_password(typed: str) -> str:
    """NFKC, as NIST SP 800-63B requires: keyboards and password managers produce different normal forms.

    Overlong input is returned unchanged, because normalizing it could be slow.
    """
    return typed if typed.isascii() or len(typed) > PASSWORD_MAX else unicodedata.normalize("NFKC", typed)


class LongEnough(rules.MinimumLengthValidator):
    def validate(self, password: str, user: Any = None) -> None:
        """Counts NFC characters: separate accents and NFKC expansions make no password longer."""
        super().validate(unicodedata.normalize("NFC", password[: PASSWORD_MAX + 1]), user)

    def get_error_message(self) -> str:
        return ngettext(
            "Use a password of at least %(count)d character.",
            "Use a password of at least %(count)d characters.",
            self.min_length,
        ) % {"count": self.min_length}


class NotCommon(rules.CommonPasswordValidator):
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize_password(password), user)

    def get_error_message(self) -> str:
        return _("Choose another password: this one is in the lists that attackers try first.")


class NotOnlyDigits(rules.NumericPasswordValidator):
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize_password(password), user)

    def get_error_message(self) -> str:
        return _("Add letters: a password of digits alone is easy to guess.")


class NotAboutYou(rules.UserAttributeSimilarityValidator):
    def validate(self, password: str, user: Any = None) -> None:
        try:
            super().validate(normalize_password(password), user)
        except ValidationError:
            raise ValidationError(
                _("Choose a password without your name, username or email in it."),
                code="password_too_similar",
            ) from None
