"""Three cookies that make pages look as their reader chose before anybody is known: language, theme, and the other looks."""

from django.conf import settings
from django.http import HttpResponseBase

from accounts.looks import Looks

THEME, LOOKS = "theme", "looks"
A_YEAR = 365 * 24 * 3600


def remember_language(response: HttpResponseBase, code: str) -> None:
    remember(response, settings.LANGUAGE_COOKIE_NAME, code)


def remember_theme(response: HttpResponseBase, theme: str) -> None:
    remember(response, THEME, theme)


def remember_looks(response: HttpResponseBase, looks: Looks) -> None:
    remember(response, LOOKS, looks.cookie)


def remember(response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
