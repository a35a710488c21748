"""What every template may use without asking: the site's name and its few switches."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "SITE_NAME": settings.SITE_NAME,
        "SOURCE_URL": settings.SOURCE_URL,
        "REGISTRATION": settings.REGISTRATION,
        "MAIL_CONFIGURED": settings.MAIL_CONFIGURED,
        "theme": request.COOKIES.get("theme", "auto") if request.COOKIES.get("theme") in {"light", "dark"} else "auto",
    }
