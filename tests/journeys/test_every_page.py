"""Every kind of page, in both themes and three widths: axe-core, headings, errors, overflow, skip links."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import violations
from tests.journeys.page_catalogue import PAGE_KINDS, PageKind
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import expect_no_overflow

# A dialog covers these pages, so their skip link cannot be reached.
COVERED = {"invite dialog over a chat", "settings, a picture being cropped"}
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((it) => it.checkVisibility() && !it.closest("[inert]"))
    .map((it) => Number(it.localName[1]))"""
# Links inside the page (error summaries, skip links) without a target.
BROKEN_ANCHORS = """() => [...document.querySelectorAll("a[href^='#']")]
    .filter((it) => !document.getElementById(it.hash.slice(1)))
    .map((it) => it.outerHTML)"""
FIRST_TO_FOCUS = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']")]
    .find((it) => it.checkVisibility() && !it.closest("[inert]"))"""
# A screen reader mispronounces "Русский" in an English page unless it has a lang attribute.
MISSING_LANG = """() => {
    const own = { "English": "en", "Português": "pt", "Русский": "ru" };
    const all = [...document.querySelectorAll("a, option, label, span")]
        .filter((it) => it.childElementCount === 0 && own[it.textContent.trim()]);
    return all.filter((it) => !it.closest("[lang]").lang.startsWith(own[it.textContent.trim()]))
        .map((it) => it.outerHTML);
}"""
# Usernames, addresses and codes are left-to-right; every other field needs dir=auto.
MISSING_DIR_AUTO = """() => [...document.querySelectorAll(
    "input:not([type]), input[type=text], input[type=search], textarea")]
    .filter((it) => it.checkVisibility() && !it.readOnly && it.dir !== "auto")
    .filter((it) => !/username|email|one-time-code/.test(it.autocomplete))
    .filter((it) => it.getAttribute("autocapitalize") !== "none")
    .map((it) => it.outerHTML)"""
PAGE_SCROLL = (
    "document.querySelector('[data-view=shell]') ? document.documentElement.scrollHeight - innerHeight : 0"
)
SIZES: list[Any] = [
    {"width": 1440, "height": 900},
    {"width": 390, "height": 844},
    {"width": 320, "height": 640},
]


@pytest.mark.parametrize("kind", PAGE_KINDS, ids=lambda kind: kind.name)
def test_every_page_is_accessible_and_loads_without_errors(page_session: PageSession, kind: PageKind) -> None:
    """axe-core checks WCAG 2.0 to 2.2, A and AA, in both themes and at each width."""
    visitor = page_session.open(kind, size=SIZES[0])
    page = visitor.page
    expect(page.locator("h1:visible")).to_have_count(1)
    assert page.title().strip(" ·"), "the page has no title"
    assert page.locator("html").get_attribute("lang") == "en"
    for size in SIZES:
        page.set_viewport_size(size)
        expect_no_overflow(page)
        assert page.evaluate(PAGE_SCROLL) <= 0, "only the panes scroll, not the page around them"
        expect(page.locator("h1:visible")).to_have_count(1)
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast" if size is SIZES[1] else "") == []
        page.emulate_media(color_scheme="light")
        assert violations(page, "color-contrast") == []
    levels = page.evaluate(HEADINGS)
    assert [(before, level) for before, level in pairwise(levels) if level > before + 1] == [], (
        f"a heading level is skipped in {levels}"
    )
    assert page.evaluate(BROKEN_ANCHORS) == []
    assert page.evaluate(MISSING_LANG) == []
    assert page.evaluate(MISSING_DIR_AUTO) == []
    visitor.until_idle()
    # The page itself may be a 404 or 410; everything it loads must succeed.
    reported_errors = [error for error in visitor.reported_errors if f"status of {kind.status}" not in error]
    assert reported_errors == []
    assert visitor.faults == []


@pytest.mark.parametrize(
    "kind", [kind for kind in PAGE_KINDS if kind.name not in COVERED], ids=lambda kind: kind.name
)
def test_every_page_begins_with_a_skip_link(page_session: PageSession, kind: PageKind) -> None:
    page = page_session.open(kind).page
    skip = page.evaluate_handle(FIRST_TO_FOCUS).as_element()
    assert skip
    assert skip.evaluate("(it) => it.matches('.skip-link')"), "the skip link is the first focusable element"
    skip.focus()
    expect(page.locator(".skip-link:focus")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    target = page.locator(f"[id='{str(skip.get_attribute('href')).removeprefix('#')}']")
    expect(target).to_be_visible()
    if not target.evaluate("(it) => it === document.activeElement"):
        page.keyboard.press("Tab")
        assert target.evaluate("(it) => it.contains(document.activeElement)"), (
            "Tab continues inside the target"
        )


def test_axe_and_the_overflow_check_find_planted_faults(page_session: PageSession) -> None:
    """Otherwise the tests above would pass without checking anything."""
    page = page_session.open(PAGE_KINDS[0]).page
    page.evaluate(
        "document.querySelector('main')"
        ".append(Object.assign(new Image(100, 100), { src: '/static/img/mark.svg' }))"
    )
    page.evaluate("document.querySelector('main p').style.cssText = 'color: #999; background: #aaa'")
    found = violations(page)
    assert any(rule.startswith("image-alt") for rule in found)
    assert any(rule.startswith("color-contrast") for rule in found)
    page.evaluate("document.querySelector('h1').style.inlineSize = '2000px'")
    with pytest.raises(AssertionError, match="too wide"):
        expect_no_overflow(page)
