"""Error pages that need neither database nor session."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its token: an old tab, or another site's page in this browser."""
    return render(request, "403_csrf.html", status=403)
