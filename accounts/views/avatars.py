"""Avatar views: upload, remove, and serve a picture to anyone who has its URL."""

from __future__ import annotations

import re
from http import HTTPStatus

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import services
from accounts.avatars.storage import NAME_LETTERS, PictureBusy, picture_path
from accounts.forms.settings import PictureForm, ProfileForm
from accounts.rate_limits import retry_after_s, wait_sentence
from accounts.requests import SignedInRequest
from accounts.selectors import profile_of
from accounts.views.responses import errors_response, is_from_script, saved_response, see_other

NAME = re.compile(rf"[a-z2-7]{{{NAME_LETTERS}}}")


@login_required
@require_POST
def change(request: SignedInRequest) -> HttpResponse:
    form = PictureForm(request.POST, request.FILES)
    if not ratelimit.consume(request, action="picture", user=request.user):
        too_many = _("Too many pictures.")
        form.add_error("picture", f"{too_many} {wait_sentence(retry_after_s(request, 'picture'))}")
        return refuse(request, form, HTTPStatus.TOO_MANY_REQUESTS)
    if not form.is_valid():
        return refuse(request, form)
    try:
        form.save(profile_of(request.user))
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return refuse(request, form)
    except (PictureBusy, OSError):
        form.add_error("picture", _("The server can’t save a picture right now. Try again in a moment."))
        return refuse(request, form, HTTPStatus.SERVICE_UNAVAILABLE)
    return done(request)


@login_required
@require_POST
def remove(request: SignedInRequest) -> HttpResponse:
    services.picture_remove(user=request.user)
    return done(request)


def done(request: HttpRequest) -> HttpResponse:
    if is_from_script(request):
        return saved_response()
    messages.success(request, _("Saved"))
    return see_other(reverse("settings_profile"))


def refuse(
    request: SignedInRequest, form: PictureForm, status: int = HTTPStatus.UNPROCESSABLE_ENTITY
) -> HttpResponse:
    if is_from_script(request):
        return errors_response(form, status)
    context = {"section": "profile", "form": ProfileForm(profile_of(request.user)), "picture_form": form}
    return render(request, "accounts/settings_profile.html", context, status=status)


@require_safe
def read(request: HttpRequest, name: str) -> HttpResponse:
    """Serves only our own WebP files. Browsers cache them forever, because a new picture has a new URL."""
    if not NAME.fullmatch(name):
        raise Http404
    try:
        webp = picture_path(name).read_bytes()
    except OSError:
        raise Http404 from None
    return HttpResponse(
        webp,
        content_type="image/webp",
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Disposition": 'inline; filename="picture.webp"',
            # If a browser ever rendered it as a page, no script in it would run.
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
