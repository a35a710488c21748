"""Every kind of page: accessible and without errors, and nothing is cut off in any width, zoom or direction.

Each page is opened once for all of these tests, because loading takes most of their time. Each test leaves
the page as it was.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.accessibility_tree import expect_modal
from tests.journeys.axe import violations
from tests.journeys.page_catalogue import PAGE_KINDS, PageKind
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import DESK, PHONE, Visitor, expect_no_overflow
from tests.journeys.visual_checks import (
    LONGER,
    LONGER_SIZES,
    MODES,
    NARROW,
    THEMES,
    cut_texts,
    layout_faults,
    overlapping_texts,
    set_mode,
    set_styles,
    zoom_faults,
)

# A modal dialog covers these pages, so their skip link cannot be reached.
COVERED = {"invite dialog over a chat", "settings, a picture being cropped"}
LISTS = {"inbox", "people"}
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
    NARROW,
]


# At 320 px the longer words fit, and 400 % zoom is as wide.
ZOOMS = [mode for mode in MODES if mode != "320 px"]


class Opened(NamedTuple):
    kind: PageKind
    visitor: Visitor

    @property
    def page(self) -> Page:
        return self.visitor.page


@pytest.fixture(scope="module", params=PAGE_KINDS, ids=lambda kind: kind.name)
def opened(page_session: PageSession, request: pytest.FixtureRequest) -> Opened:
    return Opened(request.param, page_session.open(request.param))


def test_every_page_is_accessible_and_loads_without_errors(opened: Opened) -> None:
    """axe-core checks WCAG 2.0 to 2.2, A and AA: wide in the dark theme, narrow in the light one."""
    kind, visitor = opened
    page = visitor.page
    page.set_viewport_size(SIZES[0])
    expect(page.locator("h1:visible")).to_have_count(1)
    assert page.title().strip(" ·"), "the page has no title"
    assert page.locator("html").get_attribute("lang") == "en"
    for size in SIZES:
        page.set_viewport_size(size)
        expect_no_overflow(page)
        assert page.evaluate(PAGE_SCROLL) <= 0, "only the panes scroll, not the page around them"
        expect(page.locator("h1:visible")).to_have_count(1)
        if size is not SIZES[1]:
            page.emulate_media(color_scheme=THEMES[size is NARROW])
            assert violations(page) == []
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


def test_check_28_right_to_left_every_page_fits(opened: Opened) -> None:
    page = opened.page
    before = page.evaluate("document.documentElement.dir")
    page.evaluate("document.documentElement.dir = 'rtl'")
    try:
        for size in (DESK, NARROW):
            page.set_viewport_size(size)
            expect_no_overflow(page)
            assert [*cut_texts(page), *overlapping_texts(page)] == []
    finally:
        page.evaluate("(before) => { document.documentElement.dir = before; }", before)


def test_check_28_at_every_zoom_nothing_is_cut_covered_or_too_small(opened: Opened) -> None:
    try:
        for mode in ZOOMS:
            set_mode(opened.page, mode)
            assert zoom_faults(opened.page) == [], mode
    finally:
        set_styles(opened.page, "")


def test_every_page_begins_with_a_skip_link(opened: Opened) -> None:
    """On a narrow screen the list has its own: the pane beside it is hidden."""
    page = opened.page
    page.set_viewport_size(DESK)
    if opened.kind.name in COVERED:
        expect_modal(page)
        return
    href = follow_skip_link(page)
    if opened.kind.name in LISTS:
        page.set_viewport_size(PHONE)
        assert (href, follow_skip_link(page)) == ("#main", "#list")


def follow_skip_link(page: Page) -> str:
    """Returns where it leads to."""
    skip = page.evaluate_handle(FIRST_TO_FOCUS).as_element()
    assert skip
    assert skip.evaluate("(it) => it.matches('.skip-link')"), "the skip link is the first focusable element"
    skip.focus()
    expect(page.locator(".skip-link:focus")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    href = str(skip.get_attribute("href"))
    target = page.locator(f"[id='{href.removeprefix('#')}']")
    expect(target).to_be_visible()
    if not target.evaluate("(it) => it === document.activeElement"):
        page.keyboard.press("Tab")
        assert target.evaluate("(it) => it.contains(document.activeElement)"), (
            "Tab continues inside the target"
        )
    return href


def test_check_28_every_page_fits_longer_words(opened: Opened) -> None:
    # Text written later by a script would not be lengthened.
    opened.visitor.until_idle()
    opened.page.evaluate(LONGER)
    try:
        for size in LONGER_SIZES:
            opened.page.set_viewport_size(size)
            assert layout_faults(opened.page) == [], size
    finally:
        opened.page.evaluate("restoreWords()")


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
