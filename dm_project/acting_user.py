"""Middleware that rejects a request when its page was loaded by another account than the session's.

The cookie belongs to the browser: after another user logs in in another tab, a page that stayed open would
write in their name. Forms without a script do not need this header: the login has made their CSRF token
invalid.
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
        # For an anonymous request, the view answers.
        if (
            named is not None
            and request.user.is_authenticated
            and not constant_time_compare(named, request.user.public_id)
        ):
            return problem(ErrorCode.OTHER_ACCOUNT)
        return get_response(request)

    return answer
