"""Middleware for sessions, accounts, CSRF cookies and the list of devices."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse  # noqa: TID251 (only types)
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from accounts.devices import device_record
from accounts.identity import user_of_session
from accounts.log_limits import OnceAMinute
from accounts.sessions import OLD_COOKIE_NAME, SessionStore, session_keys_in, sessions_renew

logger = logging.getLogger(__name__)
limited = OnceAMinute(logger)
OLD_CSRF_COOKIE_NAME = "csrftoken"


class SlidingSessionMiddleware(SessionMiddleware):
    """Sliding session expiry on top of Django's middleware, with two more differences.

    Only well-formed session keys are looked up. Only a logout deletes the cookie; otherwise a response in
    flight during a login or password change would delete the new cookie.
    """

    def process_request(self, request: HttpRequest) -> None:
        keys = session_keys_in(request.COOKIES)
        request.META["entre.old_session_cookie"] = (
            bool(keys) and settings.SESSION_COOKIE_NAME not in request.COOKIES
        )
        # Code below this middleware finds a well-formed key or no cookie.
        request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        if keys:
            request.COOKIES[settings.SESSION_COOKIE_NAME] = keys[0]
        request.session = SessionStore(keys[0], keys[1:]) if keys else SessionStore()

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        session = getattr(request, "session", None)
        if session is None:
            return response
        if not session.was_flushed:
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        must_renew = self.should_renew(request, response)
        response = super().process_response(request, response)
        if must_renew:
            self.renew(request, response)
        return response

    @staticmethod
    def should_renew(request: HttpRequest, response: Any) -> bool:
        """Never on a public response: a shared cache would give the session to others (CVE-2026-35192)."""
        session: Any = request.session
        if (
            not session.accessed
            or session.modified
            or session.session_key is None
            or response.status_code >= 500
        ):
            return False
        if "public" in response.headers.get("Cache-Control", ""):
            return False
        is_old = request.META["entre.old_session_cookie"]
        return bool((is_old or session.is_due) and request.user.is_authenticated)

    def renew(self, request: HttpRequest, response: Any) -> None:
        session: Any = request.session
        is_old = request.META["entre.old_session_cookie"]
        try:
            # Among concurrent requests, only the one that wrote the row sends the cookie.
            if not sessions_renew([session.session_key]) and not is_old:
                return
        except Exception as error:  # the response is complete; the next request renews
            limited.warning("a session was not renewed (%s)", type(error).__name__)
            return
        response.set_cookie(
            settings.SESSION_COOKIE_NAME,
            session.session_key,
            max_age=settings.SESSION_COOKIE_AGE,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            secure=settings.SESSION_COOKIE_SECURE or None,
            httponly=settings.SESSION_COOKIE_HTTPONLY or None,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )
        if request.COOKIES.get(OLD_COOKIE_NAME) == session.session_key:
            # The key is in our table, so the cookie is not that of another service on this host.
            response.delete_cookie(OLD_COOKIE_NAME, samesite=settings.SESSION_COOKIE_SAMESITE)
        patch_vary_headers(response, ("Cookie",))


class IdentityMiddleware(AuthenticationMiddleware):
    """Sets `request.user` by the same rule as for sockets (accounts.identity).

    The lazy user holds the session instead of the request, unlike Django's: a reference from the user back to
    its request is a cycle, which keeps the request body in memory until the garbage collector runs.
    """

    def process_request(self, request: HttpRequest) -> None:
        found = UserOfSession(request.session)
        request.user = SimpleLazyObject(found)  # type: ignore[assignment]
        request.auser = sync_to_async(found)


class UserOfSession:
    """Callable that loads the user once."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def __call__(self) -> Any:
        return self.user

    @cached_property
    def user(self) -> Any:
        return user_of_session(self.session)


def csrf_cookie_per_port(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Wraps Django's CSRF check: the cookie name includes the port.

    Browsers share cookies between the ports of a host, so a login at another service on this host would
    invalidate the forms of our open pages. The plain name is set as well, for scripts, and read while the new
    cookie is missing.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        name = settings.CSRF_COOKIE_NAME
        if settings.CSRF_COOKIE_SECURE or name == OLD_CSRF_COOKIE_NAME:
            return get_response(request)
        if name not in request.COOKIES and OLD_CSRF_COOKIE_NAME in request.COOKIES:
            request.COOKIES[name] = request.COOKIES[OLD_CSRF_COOKIE_NAME]
        response = get_response(request)
        if name in response.cookies:
            value = response.cookies[name].value
            response.set_cookie(OLD_CSRF_COOKIE_NAME, value, max_age=settings.CSRF_COOKIE_AGE, samesite="Lax")
        return response

    return answer


def record_devices(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Records device use for the settings page.

    Runs after the response, and only if the request accessed its session: health checks and files cause no
    query.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        try:
            if request.session.accessed and request.session.session_key and request.user.is_authenticated:
                device_record(
                    user=request.user,
                    session_key=request.session.session_key,
                    user_agent=request.headers.get("User-Agent", ""),
                    now=timezone.now(),
                    before=request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""),
                )
        except Exception as error:  # recording a device must not fail the request
            limited.warning("the use of a device was not recorded (%s)", type(error).__name__)
        return response

    return answer
