"""What can be seen of a page: is text cut or pushed out of its box, do two texts lie over each other, is something too small to be pressed?"""

from pathlib import Path

from playwright.sync_api import Page

EYES = (Path(__file__).parent / "visual_checks.js").read_text(encoding="utf-8").strip()


def cut_texts(page: Page) -> list[str]:
    """Texts that leave their own box to the side or are cut by a box that does not scroll. What ends in dots is told in full elsewhere."""
    return look(page, "cut")


def overlapping_texts(page: Page) -> list[str]:
    return look(page, "covered")


def broken_words(page: Page) -> list[str]:
    """Words of titles and buttons that begin on one line and end on the next."""
    return look(page, "broken")


def small_targets(page: Page) -> list[str]:
    """What is pressed and measures less than 24 by 24 pixels."""
    return look(page, "small")


def look(page: Page, what: str) -> list[str]:
    _, _, eyes = EYES.partition("\n")
    return list(page.evaluate(f"() => {eyes.rstrip()}.{what}()"))
