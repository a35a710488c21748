"""Layout checks of a page: text that is cut off, overlaps or breaks inside a word; controls too small."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.journeys.visitors import DESK, PHONE, expect_no_overflow

SET_STYLES = (
    "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
    " document.adoptedStyleSheets = [sheet]; }"
)
_, _, FUNCTIONS = (
    (Path(__file__).parent / "visual_checks.js").read_text(encoding="utf-8").strip().partition("\n")
)
RUN = f"""(checks) => {{
    const all = {FUNCTIONS.rstrip().removesuffix(";")};
    return checks.flatMap((check) => [...all[check]()]);
}}"""
LONGER = (Path(__file__).parent / "longer_words.js").read_text(encoding="utf-8")
"""Makes each word of the interface two fifths longer."""
NARROW: Any = {"width": 320, "height": 640}
LONGER_SIZES: list[Any] = [DESK, PHONE, NARROW]
THEMES: tuple[Any, Any] = ("dark", "light")
"""Of a page looked at wide and narrow: its colours are tokens, so one theme at each width is enough."""
# Browser zoom means fewer and larger CSS pixels, so a small viewport is the same.
MODES: dict[str, tuple[Any, str]] = {
    "1280 px": (DESK, ""),
    "320 px": (NARROW, ""),
    "200 % zoom": ({"width": 640, "height": 400}, ""),
    "400 % zoom": ({"width": 320, "height": 256}, ""),
    "a phone in landscape": ({"width": 844, "height": 390}, ""),
    "text at 200 %": (DESK, "html { font-size: 200%; }"),
    "text at 200 % on a phone": (PHONE, "html { font-size: 200%; }"),
    # WCAG 1.4.12
    "WCAG text spacing": (
        PHONE,
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
        " word-spacing: 0.16em !important; }",
    ),
}


def set_mode(page: Page, mode: str) -> None:
    size, css = MODES[mode]
    page.set_viewport_size(size)
    set_styles(page, css)


def layout_faults(page: Page) -> list[str]:
    """Everything that does not fit: text, boxes and words."""
    expect_no_overflow(page)
    return run(page, "cut", "covered", "broken")


def zoom_faults(page: Page) -> list[str]:
    """The same, and controls that are too small."""
    return [*layout_faults(page), *small_targets(page)]


def cut_texts(page: Page) -> list[str]:
    """Texts that leave their box sideways or are cut off by a box that does not scroll.

    An ellipsis is allowed.
    """
    return run(page, "cut")


def overlapping_texts(page: Page) -> list[str]:
    return run(page, "covered")


def broken_words(page: Page) -> list[str]:
    """Words of titles and buttons that are broken over two lines."""
    return run(page, "broken")


def small_targets(page: Page) -> list[str]:
    """Controls smaller than 24 by 24 pixels."""
    return run(page, "small")


def run(page: Page, *checks: str) -> list[str]:
    return list(page.evaluate(RUN, list(checks)))


def set_styles(page: Page, css: str) -> None:
    """Replace the styles that an earlier call added."""
    page.evaluate(SET_STYLES, css)
