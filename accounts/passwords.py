"""The one form in which a password is hashed, and Django's password rules with sentences that say what to do instead of what is wrong."""

import unicodedata
from typing import Any

from django.contrib.auth import password_validation as rules
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.hashers import PASSWORD_MAX


def normalize_password(typed: str) -> str:
    """NFKC, as NIST SP 800-63B asks for: keyboards and password managers give the same word in any of the four forms, and only this one makes
    all of them equal. What is too long to be a password is not even looked at."""
    return typed if typed.isascii() or len(typed) > PASSWORD_MAX else unicodedata.normalize("NFKC", typed)


class LongEnough(rules.MinimumLengthValidator):
    def validate(self, password: str, user: Any = None) -> None:
        """Counted as it is read: an accent of its own makes no password longer, nor does one sign that stands for eighteen."""
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
