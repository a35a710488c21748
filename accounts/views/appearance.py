"""Language and theme, also for visitors without an account, and the page on who can read messages."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import check_for_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.cookies import remember_language, remember_theme
from accounts.models import Profile
from accounts.redirects import local_path
from accounts.selectors import profile_of
from accounts.views.responses import saved_response, see_other

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


@require_http_methods(["GET", "HEAD", "POST"])
def set_language(request: HttpRequest, code: str) -> HttpResponse:
    """Set the language of this browser; for logged-in users also that of their other devices.

    For visitors a plain link suffices, as it only sets a cookie. Logged-in users need a POST: an attacker
    could send them the link in a message (docs/threats.md T8).
    """
    if code not in LANGUAGES or not check_for_language(code):
        raise Http404
    if request.user.is_authenticated and request.method != "POST":
        return see_other(reverse("settings_appearance"))
    response = see_other(local_path(request.POST.get("next") or request.GET.get("next"), "/"))
    remember_language(response, code)
    if request.user.is_authenticated:
        services.appearance_update(profile=profile_of(request.user), language=code)
    return response


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark or system theme. Scripts get 204 instead of a redirect."""
    theme = request.POST.get("theme", "")
    if theme not in Profile.Theme.values:
        return HttpResponseBadRequest()
    wants_page = "text/html" in request.headers.get("Accept", "")
    response = see_other(local_path(request.POST.get("next"), "/")) if wants_page else saved_response()
    remember_theme(response, theme)
    if request.user.is_authenticated:
        services.appearance_update(profile=profile_of(request.user), theme=theme)
    return response


@require_safe
def who_can_read(request: HttpRequest) -> HttpResponse:
    """Explains who can read messages: the two participants, and the operators of the server."""
    return render(request, "accounts/who_can_read.html", {"back": local_path(request.GET.get("next"), "/")})
