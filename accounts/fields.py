"""Form fields as our pages want them: a label instead of a placeholder, and errors that say what to do.

The box above a form lists its errors without their fields, so each sentence names what it is about (ui-spec F4).
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.hashers import check_password_length
from accounts.models import NAME_MAX, USERNAME_MAX, USERNAME_MIN
from accounts.names import check_name, check_text, normalize_name
from accounts.usernames import HANDLE, normalize_username

EMAIL_MAX = 254
"""What the column holds. Django's field lets 320 pass, and PostgreSQL would answer those with an error page."""


NFC_SHORTENS_TO = 4
"""Four characters as they are typed may be one as it is stored, never more."""


class TextField(forms.CharField):
    """One line of text about oneself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"validators": [check_text], **options})

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value) or ""
        # Before anything that looks at its characters: composing takes the square of a row of marks (safety.md T32).
        if self.max_length is not None and len(typed) > NFC_SHORTENS_TO * self.max_length:
            raise ValidationError(
                self.error_messages["max_length"], code="max_length", params={"limit_value": self.max_length}
            )
        return normalize_name(typed)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # It is written from the side of its own first letter.
        return {**super().widget_attrs(widget), "dir": "auto"}


class NameField(TextField):
    def __init__(self, **options: Any) -> None:
        words = {
            "required": _("Enter your name."),
            "max_length": _("Use a name of at most %(limit_value)d characters."),
            "hidden": _("Remove the hidden characters from your name."),
            "marks": _("Use fewer accents on one letter of your name."),
        }
        super().__init__(
            label=_("Your name"),
            max_length=NAME_MAX,
            validators=[check_name],
            help_text=_("This is how others will see you."),
            widget=forms.TextInput(attrs={"autocomplete": "name"}),
            error_messages=words,
            **options,
        )


class UsernameField(forms.CharField):
    """Judged as it will be stored, so that a short one with the sign before it is short."""

    def __init__(self, **options: Any) -> None:
        words = {
            "required": _("Choose a username."),
            "min_length": _("Use a username of at least %(limit_value)d characters."),
            "max_length": _("Use a username of at most %(limit_value)d characters."),
            "invalid": _(
                "Use letters a to z, digits, dots, dashes and underscores for your username; begin with a letter or digit."
            ),
        }
        usual = {
            "label": _("Username"),
            "min_length": USERNAME_MIN,
            "max_length": USERNAME_MAX,
            "help_text": _("Others can find you by this. Use a–z, digits, dots, dashes and underscores."),
            "widget": forms.TextInput(
                attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
            ),
            "error_messages": words,
            "validators": [RegexValidator(HANDLE)],
        }
        super().__init__(**{**usual, **options})

    def to_python(self, value: Any) -> str:
        return normalize_username(super().to_python(value) or "")


class LanguageSelect(forms.Select):
    """Each language in its own words; a voice that reads the page has to be told which."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **options)
        option["attrs"]["lang"] = str(value)
        return option


class PlainFields:
    """Goes before a form of allauth and makes its fields plain. Password fields say how they are filled in (`autocomplete`) already."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One password field: it can be shown, so nobody has to type it twice.
        self.fields.pop("password2", None)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, forms.EmailField):
                make_email_plain(field)
            elif isinstance(field.widget, forms.PasswordInput):
                make_password_plain(field)


def make_email_plain(field: forms.EmailField) -> None:
    field.label = _("Email")
    field.widget.attrs |= {
        "autocomplete": "email",
        "autocapitalize": "none",
        "spellcheck": "false",
        "maxlength": EMAIL_MAX,
    }
    field.validators = [*field.validators, MaxLengthValidator(EMAIL_MAX)]
    field.error_messages |= {
        "required": _("Enter your email address."),
        "invalid": _("Enter an email address in the form name@example.com."),
        "max_length": _("Enter a shorter email address."),
    }


def make_password_plain(field: forms.Field) -> None:
    is_new = field.widget.attrs.get("autocomplete") == "new-password"
    # No `maxlength` in the page: browsers cut what is pasted without a word, and nobody could log in with what is left.
    field.validators = [check_password_length, *field.validators]
    field.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
    field.help_text = _("At least 10 characters. A few random words work well.") if is_new else ""
    field.error_messages["required"] = _("Enter a password.") if is_new else _("Enter your password.")
