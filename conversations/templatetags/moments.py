"""Template filters: dates and times in the language of the page, where no script writes them.

The catalogues hold the patterns: Django's own put Russian months into the wrong case and capitalise
Portuguese ones.
"""

from datetime import date, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturalday
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from accounts.rate_limits import wait_sentence

register = template.Library()
register.filter("wait", wait_sentence)


def pattern(form: str) -> str:
    if form == "day":
        return pgettext("pattern of Django's date filter: 21 November", "j E")
    if form == "date":
        return pgettext("pattern of Django's date filter: 21 November 2026", "j E Y")
    if form == "moment":
        return pgettext("pattern of Django's date filter: 21 November 2026, 14:07", "j E Y, H:i")
    return pgettext("pattern of Django's date filter: 21 Nov", "j M")


@register.filter
def localized(moment: datetime | date, form: str) -> str:
    """`form` is day, date, moment or short."""
    text = date_format(timezone.localtime(moment) if isinstance(moment, datetime) else moment, pattern(form))
    return text if (get_language() or "en").startswith("en") else text.lower()


@register.filter
def relative(moment: datetime | date | None, form: str) -> str:
    """As `localized`, but "Today" and "Yesterday" by name."""
    if not moment:
        return ""
    named = naturalday(moment, "Y-m-d")
    return localized(moment, form) if str(named)[:1].isdigit() else capfirst(str(named))


@register.filter
def ago(moment: datetime) -> str:
    """In one unit: "2 days ago", not "2 days, 19 hours ago"."""
    minutes = int((timezone.now() - moment).total_seconds()) // 60
    hours, days = minutes // 60, minutes // (24 * 60)
    if days > 0:
        return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}
    if hours > 0:
        return ngettext("%(hours)d hour ago", "%(hours)d hours ago", hours) % {"hours": hours}
    if minutes > 0:
        return ngettext("%(minutes)d minute ago", "%(minutes)d minutes ago", minutes) % {"minutes": minutes}
    return _("just now")
