"""The type of a request whose person is known: what `login_required` and the API's sign-in check let through."""

from django.http import HttpRequest  # noqa: TID251 (a type for doors, not a door)

from accounts.models import User


class SignedInRequest(HttpRequest):
    """Never made, only named: Django puts the signed-in user on its own request."""

    user: User
