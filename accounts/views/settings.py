"""Settings pages. Each form saves by its button; scripts save a single control (`only`)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.appearance import Appearance
from accounts.cookies import (
    appearance_of_device,
    remember_appearance,
    remember_language,
    remember_theme,
    theme_of_device,
)
from accounts.forms.settings import AppearanceForm, PictureForm, PrivacyForm, ProfileForm, SettingsForm
from accounts.models import USERNAME_MAX, USERNAME_MIN
from accounts.requests import SignedInRequest
from accounts.selectors import profile_of
from accounts.usernames import normalize_username
from accounts.views.responses import errors_response, is_from_script, saved_response, see_other


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The list of sections, with the form of the first section, which wide screens show beside it."""
    context = {"section": "", "form": ProfileForm(profile_of(request.user)), "picture_form": PictureForm()}
    return render(request, "accounts/settings_index.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    return section_page(request, "profile", ProfileForm)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: SignedInRequest) -> HttpResponse:
    return section_page(request, "privacy", PrivacyForm)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def appearance(request: SignedInRequest) -> HttpResponse:
    """Also sets the cookies of this browser; other devices follow at their next login.

    The form shows the values of this device, which may differ from those stored by another device. Unchanged
    values stay as they are on this device.
    """
    here = shown_on_device(request)
    response = section_page(request, "appearance", AppearanceForm, here=here)
    if response.status_code in {HTTPStatus.SEE_OTHER, HTTPStatus.NO_CONTENT}:
        stored = AppearanceForm.initial_of(profile_of(request.user))
        only = request.POST.get("only", "")
        remember_choices(
            response,
            {**here, only: stored[only]} if only in stored else stored,
            {only} if only in stored else set(stored),
        )
    return response


def remember_choices(response: HttpResponse, shown: Mapping[str, Any], changed: set[str]) -> None:
    """`shown` holds the new values of this device, `changed` the names of the changed controls."""
    if "language" in changed:
        remember_language(response, shown["language"])
    if "theme" in changed:
        remember_theme(response, shown["theme"])
    if changed & {"text_size", "enter", "hours"}:
        remember_appearance(response, Appearance(shown["text_size"], shown["enter"], shown["hours"]))


def shown_on_device(request: HttpRequest) -> dict[str, Any]:
    chosen = appearance_of_device(request.COOKIES)
    return {
        "theme": theme_of_device(request.COOKIES),
        "text_size": chosen.text,
        "enter": chosen.enter,
        "hours": chosen.hours,
        "language": get_language(),
    }


@login_required
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """Stored by the browser: each device has its own permission."""
    return render(request, "accounts/settings_notifications.html", {"section": "notifications", "form": None})


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/settings_account.html", {"section": "account", "form": None})


def section_page(
    request: SignedInRequest,
    section: str,
    form_class: type[SettingsForm],
    here: Mapping[str, Any] | None = None,
) -> HttpResponse:
    profile = profile_of(request.user)
    if request.method != "POST":
        return show(request, section, form_class(profile, here=here))
    form = form_class.posted(profile, request.POST)
    if not is_saved(form):
        status = HTTPStatus.TOO_MANY_REQUESTS if form.wait_s else HTTPStatus.UNPROCESSABLE_ENTITY
        response = (
            errors_response(form, status) if is_from_script(request) else show(request, section, form, status)
        )
        if form.wait_s:
            response["Retry-After"] = str(form.wait_s)
        return response
    if is_from_script(request):
        return saved_response()
    with override(form.cleaned_data.get("language") or get_language()):  # it may just have been changed
        messages.success(request, _("Saved"))
    return see_other(reverse(f"settings_{section}"))


def is_saved(form: SettingsForm) -> bool:
    if not form.is_valid():
        return False
    try:
        form.save()
    except ValidationError as refusal:
        form.add_error(None, refusal)
    return form.is_valid()


def show(request: HttpRequest, section: str, form: SettingsForm, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {"section": section, "form": form, "picture_form": PictureForm()}
    return render(request, f"accounts/settings_{section}.html", context, status=status)


@login_required
@require_POST
def username_check(request: SignedInRequest) -> HttpResponse:
    """Is this username available? Answers with the messages of the form; reveals no more than sign-up does.

    POST, because allauth's rate limits ignore GET.
    """
    if not ratelimit.consume(request, action="username_check", user=request.user):
        return JsonResponse({}, status=HTTPStatus.TOO_MANY_REQUESTS)
    wanted = normalize_username(request.POST.get("username", "")[: USERNAME_MAX * 2])
    if wanted == request.user.username:
        return JsonResponse({"username": wanted, "free": True, "says": ""})
    try:
        if not USERNAME_MIN <= len(wanted) <= USERNAME_MAX:
            raise ValidationError(_("Use 3 to 24 characters."))
        get_adapter().clean_new_username(wanted, request.user)
    except ValidationError as refusal:
        return JsonResponse({"username": wanted, "free": False, "says": " ".join(refusal.messages)})
    return JsonResponse(
        {"username": wanted, "free": True, "says": _("@%(username)s is available.") % {"username": wanted}}
    )
