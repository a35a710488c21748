"""Language and theme, for visitors as well: the small forms and links that stand on many pages. And who can read what is written here."""

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
    """Show this browser's pages in another language; for somebody signed in, remember it for their other devices, too.

    The links are plain, for visitors without JavaScript, and no more than a cookie. Whoever is signed in changes it by a form: anybody
    could write them a link, and it would stand on a page of ours (safety.md T8).
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
    """Light, dark, or like the system. Scripts ask for no page and get none (204)."""
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
    """In plain words, for everybody: two people, and the people who run the server."""
    return render(request, "accounts/who_can_read.html", {"back": local_path(request.GET.get("next"), "/")})
