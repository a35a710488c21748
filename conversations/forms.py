"""Forms of the pages: the HTML way to give each command."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from conversations.exceptions import InvalidText, TextTooLong
from conversations.protocol.text import BODY_CHARS, clean_body


class BodyField(forms.CharField):
    """Text as typed: white space at its ends is the writer's."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, error_messages={"required": _("Write something first.")}, **options)

    def clean(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return clean_body(text)
        except TextTooLong:
            raise forms.ValidationError(_("This message is too long. %(most)s characters fit."), params={"most": BODY_CHARS}) from None
        except InvalidText:
            reason = _("Write something first.") if not text.strip() else _("This text has characters that cannot be sent.")
            raise forms.ValidationError(reason) from None


class MessageForm(forms.Form):
    """One message. `id` is made with the page, so that a second press of the button sends nothing twice."""

    body = BodyField(
        widget=forms.Textarea(attrs={"rows": 1, "maxlength": BODY_CHARS, "dir": "auto", "autocomplete": "off"}), label=_("Message")
    )
    id = forms.UUIDField(widget=forms.HiddenInput)
