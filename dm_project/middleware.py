"""Headers that every answer carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from conversations.signals import SIGNED_OUT
from dm_project.security_headers import PERMISSIONS

FORGET = '"cache", "storage"'


def security_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Outermost, so that error pages and static files have them too.

    Signed-in pages must never be kept by a shared proxy or come back after log-out with the back button (safety.md T57), hence `no-store`
    wherever no view said something else; and on log-out the browser is told to forget what it has kept of this site. Only then: a session
    that was ended from elsewhere leaves the unsent text on its device, for the next sign-in.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not response.headers.get("Cache-Control"):
            response.headers["Cache-Control"] = "private, no-store"
        if request.META.get(SIGNED_OUT):
            response.headers["Clear-Site-Data"] = FORGET
        return response

    return answer
