"""Two cookies that make pages look as their reader chose before anybody is known: language and theme."""

from django.conf import settings
from django.http import HttpResponseBase

THEME = "theme"
A_YEAR = 365 * 24 * 3600


def remember_language(response: HttpResponseBase, code: str) -> None:
    remember(response, settings.LANGUAGE_COOKIE_NAME, code)


def remember_theme(response: HttpResponseBase, theme: str) -> None:
    remember(response, THEME, theme)


def remember(response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
