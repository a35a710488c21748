"""Template filter: the body of a message with its links and markup, as HTML."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from conversations.protocol.markup import html_of

register = template.Library()


@register.filter
def markup(body: object) -> SafeString:
    """For pages as the server sends them; static/js/view/body-view.js draws the same elements.

    Empty for what is no text: a corrupt row may hold bytes (docs/threats.md F30).
    """
    # `html_of` escapes every text and writes no attribute but its own constants and encoded addresses (T25).
    return mark_safe(html_of(body) if isinstance(body, str) else "")  # noqa: S308
