"""Translations for the JavaScript modules, in the language of the page.

The page embeds them as JSON: no second request, and no inline script that the content policy would have to
allow.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog


def client_texts() -> dict[str, Any]:
    """English sentence to translation; a list for plural forms. Empty in English."""
    return catalog(get_language() or "en")


@cache
def catalog(language: str) -> dict[str, Any]:
    """Catalogues change only with a new release, hence the cache."""
    if language.startswith("en"):
        return {}
    view = JSONCatalog()
    # Only our own catalogue: Django's texts for its admin would add 2 kB to every page.
    view.translation = DjangoTranslation(
        language, domain="djangojs", localedirs=[str(path) for path in settings.LOCALE_PATHS]
    )
    texts: dict[str, Any] = view.get_catalog()
    return texts
