"""The settings page of devices: list and revoke sessions. Revoking requires a recent authentication."""

from __future__ import annotations

import time

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.devices import device_revoke, devices_list, devices_revoke_others
from accounts.requests import SignedInRequest
from accounts.views.responses import see_other


def needs_reauthentication(request: SignedInRequest) -> bool:
    """Is reauthentication required? Unlike allauth by itself, a recent login counts as an authentication."""
    timestamps = [record["at"] for record in get_authentication_records(request, request.user)]
    return time.time() - max(timestamps, default=0) >= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True, enabled=needs_reauthentication)  # type: ignore[untyped-decorator]
def devices(request: SignedInRequest) -> HttpResponse:
    session_key = request.session.session_key or ""
    if request.method != "POST":
        found = devices_list(user=request.user, session_key=session_key)
        return render(request, "accounts/settings_devices.html", {"section": "devices", "devices": found})
    if "others" in request.POST:
        revoked = devices_revoke_others(user=request.user, session_key=session_key)
        messages.success(request, logged_out_message(revoked))
    else:
        wanted = request.POST.get("device", "")
        is_revoked = "\0" not in wanted and device_revoke(
            user=request.user, device_id=wanted, session_key=session_key
        )
        # A repeated request finds no device, but the wanted state is reached.
        messages.success(
            request, logged_out_message(1) if is_revoked else _("This device has already been logged out.")
        )
    return see_other(reverse("settings_devices"))


def logged_out_message(count: int) -> str:
    if not count:
        return _("You aren’t logged in anywhere else.")
    return ngettext("%(count)d device logged out.", "%(count)d devices logged out.", count) % {"count": count}
