"""Appearance cookies (language, theme, other settings): pages follow the user's choice before login."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponseBase

from accounts.appearance import Appearance, appearance_from_cookie

THEME, APPEARANCE = "theme", "looks"
A_YEAR = 365 * 24 * 3600


def theme_of_device(cookies: Mapping[str, str]) -> str:
    """The theme of this browser; an unknown value counts as not chosen."""
    theme = cookies.get(THEME, "")
    return theme if theme in {"light", "dark"} else "auto"


def appearance_of_device(cookies: Mapping[str, str]) -> Appearance:
    return appearance_from_cookie(cookies.get(APPEARANCE, ""))


def remember_language(response: HttpResponseBase, code: str) -> None:
    remember(response, settings.LANGUAGE_COOKIE_NAME, code)


def remember_theme(response: HttpResponseBase, theme: str) -> None:
    remember(response, THEME, theme)


def remember_appearance(response: HttpResponseBase, appearance: Appearance) -> None:
    remember(response, APPEARANCE, appearance.cookie)


def remember(response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
