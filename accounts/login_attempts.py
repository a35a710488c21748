"""Login attempts, counted by account across addresses, against brute force from a whole network or a botnet.

Nothing here locks an account (docs/threats.md T37). After too many attempts on an account, each network gets
two attempts an hour instead of ten in five minutes, which is enough for a user who knows the password.
Attempts from browsers that have logged in to the account before are not counted.
"""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase  # noqa: TID251 (only types)
from django.utils.crypto import salted_hmac

from accounts.client_address import address_of, site_of
from accounts.models import User
from accounts.rate_limits import ALLAUTH, retry_after_s

KNOWN, SALT = "known", "accounts.login_attempts"
MAX_KNOWN = 6
A_YEAR = 365 * 24 * 3600
SITE, ACCOUNT, NEWCOMER = "login_site", "login_account", "login_newcomer"


class TooManyLoginAttempts(Exception):
    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait_s = wait


def count_attempt(request: HttpRequest, login: str) -> list[Any]:
    """Count an attempt before checking the password. Returns the usages to roll back if it was correct.

    Args:
        login: the input as typed, in lower case.

    Raises:
        TooManyLoginAttempts: the network of this client has to wait.
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


# --- Browsers that have logged in before ---


def remember_browser(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Remember in a signed cookie that this browser has logged in to this account.

    The cookie holds digests instead of names and grants no access.
    """
    mine = [digest_of(login) for login in (user.username, user.email) if login]
    known = [*mine, *(digest for digest in known_digests(request) if digest not in mine)][:MAX_KNOWN]
    value = signing.dumps(known, salt=SALT)
    response.set_cookie(
        KNOWN, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def is_known(request: HttpRequest, login: str) -> bool:
    """Has this browser logged in with this login before? True also for a logged-in user."""
    return request.user.is_authenticated or digest_of(login) in known_digests(request)


def known_digests(request: HttpRequest) -> list[str]:
    try:
        known: list[str] = signing.loads(request.COOKIES.get(KNOWN, ""), salt=SALT, max_age=A_YEAR)
    except signing.BadSignature:
        return []
    return known


def digest_of(login: str) -> str:
    return salted_hmac(SALT, login.lower(), algorithm="sha256").hexdigest()[:24]
