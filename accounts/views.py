"""Doors of the accounts app: sign-up (allauth's, with one more refusal), settings, language and theme.

Log-in, passwords and e-mail addresses are allauth's own views.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol

from allauth.account import views as allauth
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import check_for_language, get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.cookies import remember_language, remember_theme
from accounts.forms import AppearanceForm, PrivacyForm, ProfileForm
from accounts.models import Profile
from accounts.redirects import local_path
from accounts.selectors import profile_of

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


class SettingsForm(Protocol):
    cleaned_data: dict[str, Any]

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None: ...
    def is_valid(self) -> bool: ...
    def save(self, profile: Profile) -> None: ...
    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]: ...


class SignupView(allauth.SignupView):  # type: ignore[misc]
    """What the form found right may be refused at the moment of storing: a name taken in between, an invite spent in between."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except ValidationError as refusal:
            form.add_error(None, refusal)
            response = self.form_invalid(form)
        return response


signup = SignupView.as_view()


def see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


@login_required
@require_safe
def settings_index(request: HttpRequest) -> HttpResponse:
    """The list of sections. A wide screen shows the first section beside it, hence its form."""
    form = ProfileForm(initial=ProfileForm.initial_of(profile_of(request.user)))
    return render(request, "accounts/settings_index.html", {"section": "", "form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_profile(request: HttpRequest) -> HttpResponse:
    return settings_section(request, "profile", ProfileForm)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_privacy(request: HttpRequest) -> HttpResponse:
    return settings_section(request, "privacy", PrivacyForm)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_appearance(request: HttpRequest) -> HttpResponse:
    """As the other sections; this browser follows at once, the others with their next log-in."""
    response = settings_section(request, "appearance", AppearanceForm)
    if response.status_code == HTTPStatus.SEE_OTHER:
        profile = profile_of(request.user)
        remember_language(response, profile.language)
        remember_theme(response, profile.theme)
    return response


@login_required
@require_safe
def settings_account(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/settings_account.html", {"section": "account", "form": None})


def settings_section(request: HttpRequest, section: str, form_class: type[SettingsForm]) -> HttpResponse:
    profile = profile_of(request.user)
    initial = form_class.initial_of(profile)
    form = form_class(request.POST, initial=initial) if request.method == "POST" else form_class(initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            form.save(profile)
            with override(form.cleaned_data.get("language") or get_language()):  # it may just have been changed
                messages.success(request, _("Saved"))
            return see_other(reverse(f"settings_{section}"))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, f"accounts/settings_{section}.html", {"section": section, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def set_language(request: HttpRequest, code: str) -> HttpResponse:
    """Show this browser's pages in another language, and remember it for the person's other devices.

    The links are plain, for people without JavaScript. A foreign page can only make a visitor follow one, so the profile is written when
    the browser says that the link stood on a page of ours (safety.md T8).
    """
    if code not in LANGUAGES or not check_for_language(code):
        raise Http404
    response = see_other(local_path(request.POST.get("next") or request.GET.get("next"), "/"))
    remember_language(response, code)
    is_ours = request.method == "POST" or (request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "same-origin")
    if request.user.is_authenticated and is_ours:
        services.appearance_update(profile=profile_of(request.user), language=code)
    return response


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or like the system. Scripts ask for no page and get none (204)."""
    theme = request.POST.get("theme", "")
    if theme not in Profile.Theme.values:
        return HttpResponseBadRequest()
    wants_page = "text/html" in request.headers.get("Accept", "")
    response = see_other(local_path(request.POST.get("next"), "/")) if wants_page else HttpResponse(status=HTTPStatus.NO_CONTENT)
    remember_theme(response, theme)
    if request.user.is_authenticated:
        services.appearance_update(profile=profile_of(request.user), theme=theme)
    return response
