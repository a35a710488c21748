"""Layout checks of a page: text that is cut off, overlaps or breaks inside a word; controls too small."""

from pathlib import Path

from playwright.sync_api import Page

SET_STYLES = (
    "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
    " document.adoptedStyleSheets = [sheet]; }"
)
SCRIPT = (Path(__file__).parent / "visual_checks.js").read_text(encoding="utf-8").strip()


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


def run(page: Page, check: str) -> list[str]:
    _, _, functions = SCRIPT.partition("\n")
    return list(page.evaluate(f"() => {functions.rstrip()}.{check}()"))


def set_styles(page: Page, css: str) -> None:
    """Replace the styles that an earlier call added."""
    page.evaluate(SET_STYLES, css)
