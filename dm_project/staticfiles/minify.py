"""Minifies scripts and style sheets when static files are collected. The sources in static/ stay as they are.

Modules lose comments, whitespace and long local names; imported style sheets are inlined. Without the package
`minify-go`, which has no build for some systems, everything works the same, with larger files.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

CSS_IMPORT = re.compile(r'@import "([\w-]+\.css)";\n?')
MEDIA_TYPES = {".js": "application/javascript", ".css": "text/css"}


class MinifyError(Exception):
    """The minifier cannot parse a file, which is most likely broken. The text names it."""


def minifier() -> Callable[[str, str], str] | None:
    """A function (media type, text) -> minified text; None without the package.

    Imported late: only collecting needs it.
    """
    try:
        import minify
    except ImportError:
        return None
    # Syntax that browsers of 2022 support, and nothing newer.
    minify.config({"js-version": 2022})
    return minify.string  # type: ignore[no-any-return]


def inline_imports(text: str, read: Callable[[str], str]) -> str:
    """A style sheet with its imports inlined: one request instead of one after the other.

    `read` gets a bare file name.
    """
    return CSS_IMPORT.sub(lambda match: read(match[1]), text)


def minify_file(name: str, text: str, minify_text: Callable[[str, str], str] | None) -> str:
    """The file as it is served.

    Raises:
        MinifyError: it is not a valid script or style sheet.
    """
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
    if media_type is None or minify_text is None:
        return text
    try:
        minified = minify_text(media_type, text)
    except Exception as error:
        raise MinifyError(f"{name}: {error}") from error
    # Django finds the imports of a module by their semicolons, and minifiers drop the last one.
    return minified if media_type == "text/css" or minified.endswith(";") else f"{minified};"
