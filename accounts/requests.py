"""What HTTP requests of signed-in users share: their type, and the site's origin as the request sees it."""

from django.conf import settings
from django.http import HttpRequest  # noqa: TID251 (a type, no response is made here)

from accounts.models import User


class SignedInRequest(HttpRequest):
    """For annotations only: `login_required` and the API's authentication guarantee that the user is
    there."""

    user: User


def own_origin(request: HttpRequest) -> str:
    """The origin of links that the requesting user is shown: PUBLIC_URL, else this request's checked host.

    Links that leave the site by email never use the request's host: see `accounts.public_urls`.
    """
    return settings.PUBLIC_ORIGIN or f"{request.scheme}://{request.get_host()}"
