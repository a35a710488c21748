"""Requests of a page say whose page it is; one that would act as another person is refused.

The cookie belongs to the browser: after a log-in of somebody else in another tab, a page that stayed open would write in their name.
Forms without a script need no such word: the log-in has made their token invalid.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from conversations.api.problems import problem
from conversations.protocol.codes import ErrorCode

ACTING_USER = "X-Acting-User"


def acting_user(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        named = request.headers.get(ACTING_USER)
        # Whoever is not logged in is told that by the view.
        if (
            named is not None
            and request.user.is_authenticated
            and not constant_time_compare(named, request.user.public_id)
        ):
            return problem(ErrorCode.OTHER_ACCOUNT)
        return get_response(request)

    return answer
