"""Context processor: the site's name and settings for every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.cookies import appearance_of_device, theme_of_device
from conversations.views.client_texts import client_texts
from dm_project.pwa import release


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "SITE_NAME": settings.SITE_NAME,
        "SOURCE_URL": settings.SOURCE_URL,
        "REGISTRATION": settings.REGISTRATION,
        "MAIL_CONFIGURED": settings.MAIL_CONFIGURED,
        # Passed as a function, so that only a page that needs the texts of JavaScript modules collects them.
        "client_texts": client_texts,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "release": release,
        "looks": appearance_of_device(request.COOKIES),
        "theme": theme_of_device(request.COOKIES),
    }
