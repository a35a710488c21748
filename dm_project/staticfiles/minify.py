"""What becomes of scripts and style sheets on their way to the browser. The files in static/ stay as they were written.

Modules lose comments, blanks and the long names of what only they know; a style sheet that only names others takes them in. Without the
package `minify-go` (it has no build for some systems) everything works the same, a little slower on a slow line.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

JOINED = re.compile(r'@import "([\w-]+\.css)";\n?')
KINDS = {".js": "application/javascript", ".css": "text/css"}


class CannotSlim(Exception):
    """A file that the minifier does not understand: most likely it is broken. The text names it."""


def minifier() -> Callable[[str, str], str] | None:
    """(kind, text) -> less text; None where the package is missing. Imported late: the service itself never needs it."""
    try:
        import minify
    except ImportError:
        return None
    # What a browser of 2022 understands, and nothing newer.
    minify.config({"js-version": 2022})
    return minify.string  # type: ignore[no-any-return]


def join(text: str, read: Callable[[str], str]) -> str:
    """A style sheet with those that it imports in their place: one request instead of one after the other. `read` is given a bare name."""
    return JOINED.sub(lambda found: read(found[1]), text)


def slim(name: str, text: str, shrink: Callable[[str, str], str] | None) -> str:
    """The file as it is served.

    Raises:
        CannotSlim: it is no valid script or style sheet.
    """
    kind = KINDS.get(PurePosixPath(name).suffix)
    if kind is None or shrink is None:
        return text
    try:
        short = shrink(kind, text)
    except Exception as error:
        raise CannotSlim(f"{name}: {error}") from error
    # Django finds the imports of a module by their semicolons, and the last one is the first thing that a minifier saves.
    return short if kind == "text/css" or short.endswith(";") else f"{short};"
