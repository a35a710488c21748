"""Where somebody is signed in, and how they end it. Ending asks once more who they are, when that was long ago (allauth's own page)."""

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


def is_proof_old(request: SignedInRequest) -> bool:
    """allauth by itself does not count the log-in as a proof: somebody who has just typed the password would type it again."""
    moments = [record["at"] for record in get_authentication_records(request, request.user)]
    return time.time() - max(moments, default=0) >= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True, enabled=is_proof_old)  # type: ignore[untyped-decorator]
def devices(request: SignedInRequest) -> HttpResponse:
    session_key = request.session.session_key or ""
    if request.method != "POST":
        found = devices_list(user=request.user, session_key=session_key)
        return render(request, "accounts/settings_devices.html", {"section": "devices", "devices": found})
    if "others" in request.POST:
        ended = devices_revoke_others(user=request.user, session_key=session_key)
        messages.success(request, said(ended))
    else:
        wanted = request.POST.get("device", "")
        is_ended = "\0" not in wanted and device_revoke(
            user=request.user, device_id=wanted, session_key=session_key
        )
        # A second press finds nothing, and what was wanted is true.
        messages.success(request, said(1) if is_ended else _("This device has already been logged out."))
    return see_other(reverse("settings_devices"))


def said(count: int) -> str:
    if not count:
        return _("You aren’t logged in anywhere else.")
    return ngettext("%(count)d device logged out.", "%(count)d devices logged out.", count) % {"count": count}
