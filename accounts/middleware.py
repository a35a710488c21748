"""Notes which devices somebody uses, for the page that lists them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse  # noqa: TID251 (the types of a door)
from django.utils import timezone

from accounts.devices import device_note

logger = logging.getLogger(__name__)


def note_devices(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """After the answer is made, and only for requests that asked for their session anyway: health checks and files stay without a query."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        try:
            if request.session.accessed and request.session.session_key and request.user.is_authenticated:
                device_note(
                    user=request.user,
                    session_key=request.session.session_key,
                    user_agent=request.headers.get("User-Agent", ""),
                    now=timezone.now(),
                    before=request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""),
                )
        except Exception as error:  # a list of devices is no reason to fail what was asked for
            logger.warning("the use of a device was not noted (%s)", type(error).__name__)
        return response

    return answer
