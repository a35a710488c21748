"""Template filter: a link as a QR code, in SVG."""

import segno
from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
DARK, QUIET_ZONE = "#12242c", 4


@register.filter
def qr_code(url: str | None) -> SafeString:
    """Error level M, dark on white in both themes; attributes only, no styles. Empty without a link."""
    if not url:
        return SafeString("")
    code = segno.make(url, error="m", micro=False, boost_error=False)
    svg = code.svg_inline(
        border=QUIET_ZONE, omitsize=True, dark=DARK, light="#ffffff", svgclass=None, lineclass=None
    )
    # segno writes digits and the constants above; the link itself becomes squares, never text.
    return mark_safe(svg.replace("<svg ", '<svg shape-rendering="crispEdges" ', 1))  # noqa: S308


def qr_file(url: str) -> str:
    """The same as an SVG document of its own, for `<img>`."""
    return qr_code(url).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
