"""Form fields: labels instead of placeholders, and errors that say what to do.

The error summary above a form lists errors without their fields, so each sentence names its subject
(docs/interface.md F4).
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
"""Length of the column. Django's field accepts 320, which PostgreSQL would reject with an error page."""


NFC_MAX_RATIO = 4
"""NFC composes at most four characters into one."""


class TextField(forms.CharField):
    """A single line of text about the user."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"validators": [check_text], **options})

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value) or ""
        # Before anything inspects the characters: NFC takes quadratic time in a run of combining marks
        # (docs/threats.md T32).
        if self.max_length is not None and len(typed) > NFC_MAX_RATIO * self.max_length:
            raise ValidationError(
                self.error_messages["max_length"], code="max_length", params={"limit_value": self.max_length}
            )
        return normalize_name(typed)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # The first strong letter decides the direction.
        return {**super().widget_attrs(widget), "dir": "auto"}


class NameField(TextField):
    def __init__(self, **options: Any) -> None:
        messages = {
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
            error_messages=messages,
            **options,
        )


class UsernameField(forms.CharField):
    """Normalized before validation, so that an @ before the username does not count as a character."""

    def __init__(self, **options: Any) -> None:
        messages = {
            "required": _("Choose a username."),
            "min_length": _("Use a username of at least %(limit_value)d characters."),
            "max_length": _("Use a username of at most %(limit_value)d characters."),
            "invalid": _(
                "Use letters a to z, digits, dots, dashes and underscores for your username; "
                "begin with a letter or digit."
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
            "error_messages": messages,
            "validators": [RegexValidator(HANDLE)],
        }
        super().__init__(**{**usual, **options})

    def to_python(self, value: Any) -> str:
        return normalize_username(super().to_python(value) or "")


class LanguageSelect(forms.Select):
    """Each language by its own name, with a `lang` attribute for screen readers."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **options)
        option["attrs"]["lang"] = str(value)
        return option


class PlainFields:
    """Mixin for allauth forms: no placeholders, our labels and errors."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A single password field: it can be shown, so it need not be typed twice.
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
    # No `maxlength` in the page: browsers would silently truncate a pasted password.
    field.validators = [check_password_length, *field.validators]
    field.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
    field.help_text = _("At least 10 characters. A few random words work well.") if is_new else ""
    field.error_messages["required"] = _("Enter a password.") if is_new else _("Enter your password.")
