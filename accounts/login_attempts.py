"""Guesses at the password of one account, counted beyond a single address: somebody with a whole network of them, or a botnet, gets no
further, and the owner still comes in.

Nothing here locks an account (safety.md T37). When too many have guessed at it, a network that it was never used from has two tries an hour
instead of ten in five minutes, which is enough for who knows the password. Browsers that have logged in to it are not counted.
"""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase  # noqa: TID251 (types for doors, not a door)
from django.utils.crypto import salted_hmac

from accounts.client_address import address_of, site_of
from accounts.models import User
from accounts.rate_limits import ALLAUTH, retry_after_s

KNOWN, SALT = "known", "accounts.login_attempts"
MOST_KNOWN = 6
A_YEAR = 365 * 24 * 3600
SITE, ACCOUNT, NEWCOMER = "login_site", "login_account", "login_newcomer"


class TooManyLoginAttempts(Exception):
    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait_s = wait


def count_attempt(request: HttpRequest, login: str) -> list[Any]:
    """Count one try, before the password is looked at. Returns what to roll back when it was the right one.

    Args:
        login: as it was typed, in small letters.

    Raises:
        TooManyLoginAttempts: this network has to wait.
    """
    if is_known(request, login):
        return []
    here = f"{site_of(address_of(request.META))}|{login}"
    taken = [consume(request, SITE, here)]
    usage = ratelimit.consume(request, app=ALLAUTH, action=ACCOUNT, key=login)
    taken.append(usage if usage else consume(request, NEWCOMER, here))
    return taken


def consume(request: HttpRequest, action: str, key: str) -> Any:
    usage = ratelimit.consume(request, app=ALLAUTH, action=action, key=key)
    if not usage:
        raise TooManyLoginAttempts(max(1, retry_after_s(request, action, key=key)))
    return usage


# --- Browsers that have logged in ---


def remember_browser(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """This browser has logged in as this person. Kept in a signed cookie without names; it opens nothing."""
    mine = [digest_of(login) for login in (user.username, user.email) if login]
    known = [*mine, *(digest for digest in known_digests(request) if digest not in mine)][:MOST_KNOWN]
    value = signing.dumps(known, salt=SALT)
    response.set_cookie(
        KNOWN, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def is_known(request: HttpRequest, login: str) -> bool:
    """Also whoever is signed in and only says the password again."""
    return request.user.is_authenticated or digest_of(login) in known_digests(request)


def known_digests(request: HttpRequest) -> list[str]:
    try:
        known: list[str] = signing.loads(request.COOKIES.get(KNOWN, ""), salt=SALT, max_age=A_YEAR)
    except signing.BadSignature:
        return []
    return known


def digest_of(login: str) -> str:
    return salted_hmac(SALT, login.lower(), algorithm="sha256").hexdigest()[:24]
