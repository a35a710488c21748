"""Progressive web app: manifest, service worker, offline page, and the share target for invite links.

None of it depends on the user. What the service worker caches is listed here and is the same for all users:
no message, no page of a logged-in user.
"""

import hashlib
import json
import re
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

PAGE_COLOUR, LIST_COLOUR = "#f5f4ef", "#fcfbf8"
PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif"]
DAY_S = 24 * 60 * 60


def release() -> str:
    """Identifies the static files: changes when any script, style sheet or image does."""
    return str(getattr(staticfiles_storage, "manifest_hash", "") or "unhashed")


@require_safe
def release_name(request: HttpRequest) -> HttpResponse:
    """For an open page to check whether it is out of date (view/new-release.js)."""
    return JsonResponse({"release": release()})


@require_safe
@cache_control(max_age=DAY_S, public=True)
def manifest(request: HttpRequest, language: str) -> HttpResponse:
    """Name, colours and icons of the app.

    The language is in the URL, because browsers fetch this without cookies.
    """
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        return JsonResponse(
            app_manifest(),
            content_type="application/manifest+json",
            json_dumps_params={"ensure_ascii": False},
        )


def app_manifest() -> dict[str, Any]:
    return {
        "id": "/",
        "name": settings.SITE_NAME,
        "short_name": settings.SITE_NAME,
        "description": _("Private one-to-one messages: two people, one conversation."),
        "lang": translation.get_language(),
        "dir": "rtl" if translation.get_language_bidi() else "ltr",
        "start_url": reverse("inbox"),
        "scope": "/",
        "display": "standalone",
        "background_color": PAGE_COLOUR,
        "theme_color": LIST_COLOUR,
        "categories": ["social"],
        "icons": [
            {"src": static("img/icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": static("img/icon-512.png"), "sizes": "512x512", "type": "image/png"},
            {
                "src": static("img/icon-maskable-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
        "shortcuts": [
            {"name": _("People"), "url": reverse("people")},
            {"name": _("Invite a person"), "url": reverse("invites")},
        ],
        # The service worker takes the pictures (static/js/net/worker.js), and leads a link to this address by
        # GET. Nothing is sent before the user has chosen a chat.
        "share_target": {
            "action": reverse("shared"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {
                "title": "title",
                "text": "text",
                "url": "url",
                "files": [{"name": "files", "accept": PICTURES}],
            },
        },
    }


# --- The service worker ---


def render_offline_page(request: HttpRequest) -> str:
    """In the language and theme of this browser.

    Rendered without the request, so that no user data can get into it.
    """
    theme = request.COOKIES.get("theme", "")
    context = {
        "SITE_NAME": settings.SITE_NAME,
        "SOURCE_URL": settings.SOURCE_URL,
        "theme": theme if theme in {"light", "dark"} else "auto",
    }
    return render_to_string("offline.html", context)


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_offline_page(request))


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The script of the service worker. Its text changes with what it caches; so browsers notice an update.

    Where files have no hashed names (DEBUG) it caches nothing, or a changed file would never be loaded.
    """
    page = render_offline_page(request)
    is_hashed = release() != "unhashed"
    files = (
        sorted(set(re.findall(rf'(?:href|src)="({re.escape(settings.STATIC_URL)}[^"#]+)', page)))
        if is_hashed
        else []
    )
    digest = hashlib.sha256(page.encode()).hexdigest()[:12]
    cached = {
        "cache": f"offline-{digest}",
        "page": reverse("offline") if is_hashed else None,
        "files": files,
        "share": reverse("shared"),
    }
    text = f'import {{ serve }} from "{static("js/net/worker.js")}";\n\nserve(self, {json.dumps(cached)});\n'
    return HttpResponse(text, content_type="text/javascript")


# --- The share target ---


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest) -> HttpResponse:
    """Opens an invite link that was shared into the app. Pictures are taken by the service worker.

    A POST comes from a browser without that worker, and from another app, so it has no CSRF token: nothing of
    it is read, and nothing changes.
    """
    if request.method == "POST":
        messages.info(request, _("The pictures couldn’t be taken over. Share them again."))
        return redirect_after_sharing("inbox")
    text = " ".join(request.GET.get(name, "")[:2_000] for name in ("url", "text", "title"))
    link = re.search(
        rf"https?://{re.escape(request.get_host())}/i/([\w-]{{10,100}})(?![\w-])", text, re.ASCII
    )
    if not link:
        messages.info(request, _("Only invite links of this server and pictures can be opened here."))
    return redirect_after_sharing("invite_landing", link[1]) if link else redirect_after_sharing("inbox")


def redirect_after_sharing(*target: str) -> HttpResponse:
    response = redirect(*target)
    # The URL contained the token of an invite: the next page must not get it as referrer.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.status_code = HTTPStatus.SEE_OTHER
    return response
