"""Django's password rules, with sentences that say what to do instead of what is wrong."""

from typing import Any

from django.contrib.auth import password_validation as rules
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class LongEnough(rules.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return ngettext(
            "Use a password of at least %(count)d character.", "Use a password of at least %(count)d characters.", self.min_length
        ) % {"count": self.min_length}


class NotCommon(rules.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("Choose another password: this one is in the lists that attackers try first.")


class NotOnlyDigits(rules.NumericPasswordValidator):
    def get_error_message(self) -> str:
        return _("Add letters: a password of digits alone is easy to guess.")


class NotAboutYou(rules.UserAttributeSimilarityValidator):
    def validate(self, password: str, user: Any = None) -> None:
        try:
            super().validate(password, user)
        except ValidationError:
            raise ValidationError(_("Choose a password without your name, username or email in it."), code="password_too_similar") from None
