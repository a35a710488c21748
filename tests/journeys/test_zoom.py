"""Check 28, zoom: at 320 px, 200 and 400 %, with larger or spaced text, dialogs and failed messages fit.

The same of every page: test_every_page.py.
"""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PAGE_KINDS, PageKind
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import (
    PHONE,
    expect_no_overflow,
    saving,
    show_failed_messages_offline,
    start_chat,
)
from tests.journeys.visual_checks import (
    MODES,
    broken_words,
    cut_texts,
    overlapping_texts,
    set_mode,
    set_styles,
    small_targets,
    zoom_faults,
)


def test_the_visual_checks_find_planted_faults(page_session: PageSession) -> None:
    """Otherwise the tests of every page would pass without checking anything."""
    page = page_session.open(PAGE_KINDS[0]).page
    set_styles(page, ".button { overflow: hidden; block-size: 6px; min-block-size: 0; padding: 0; }")
    assert [fault for fault in cut_texts(page) if "Log in" in fault]
    set_styles(page, "h1 { inline-size: 40px; }")
    assert [fault for fault in broken_words(page) if "conversation" in fault]
    set_styles(page, "h1 { inline-size: 40px; overflow-wrap: normal; }")
    assert [fault for fault in cut_texts(page) if "leaves its box" in fault]
    set_styles(page, ".landing__lead { margin-block-start: -60px; }")
    assert overlapping_texts(page)
    set_styles(page, ".languages__link { padding: 0; line-height: 1; }")
    assert small_targets(page)
    set_styles(page, "")


def test_check_28_a_chat_with_failed_messages_fits_in_the_largest_text_at_400_percent(
    visitor: VisitorMaker,
) -> None:
    """With failed messages, both notices and a long text, the box and its button stay in view."""
    alice, bob = (
        visitor("alice", name="Alice with a Name of Several Words"),
        visitor("bob", name="Bartholomew the Long-Named of Somewhere"),
    )
    room = start_chat(alice, bob)
    for number in range(12):
        bob.send(
            room,
            f"line {number} with some words in it, so that it takes more than one line in a narrow window",
        )
    alice.page.goto("/settings/appearance/")
    with saving(alice.page):
        alice.page.get_by_label("Largest").check()
    expect(alice.page.locator('html[data-text="largest"]')).to_have_count(1)
    show_failed_messages_offline(alice, room)
    for mode in MODES:
        set_mode(alice.page, mode)
        assert zoom_faults(alice.page) == [], mode
    set_styles(alice.page, "")
    alice.box.fill("\n".join(f"line {number}" for number in range(30)))
    for mode in ("400 % zoom", "200 % zoom", "a phone in landscape"):
        set_mode(alice.page, mode)
        for control in (
            alice.box,
            alice.page.get_by_role("button", name="Send"),
            alice.page.get_by_role("heading", level=1),
        ):
            expect(control).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("mode", ["320 px", "400 % zoom", "text at 200 % on a phone"])
def test_check_28_dialogs_fit_and_can_be_closed(visitor: VisitorMaker, mode: str) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))
    page = alice.page
    alice.until_lazy_parts_loaded()
    alice.until_idle()
    set_mode(page, mode)
    for keys, dialog in (
        ("Control+k", page.get_by_role("dialog", name="Search people and chats")),
        ("Control+/", page.get_by_role("dialog", name="Keyboard shortcuts")),
    ):
        page.keyboard.press(keys)
        expect(dialog).to_be_visible()
        box = dialog.bounding_box()
        size = MODES[mode][0]
        assert box
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size["width"] + 1
        assert box["y"] + box["height"] <= size["height"] + 1
        assert [*cut_texts(page), *small_targets(page)] == []
        expect_no_overflow(page)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


SHEETS = {"invite dialog over a chat", "settings, a picture being cropped"}


@pytest.mark.parametrize(
    "kind", [kind for kind in PAGE_KINDS if kind.name in SHEETS], ids=lambda kind: kind.name
)
def test_on_a_phone_dialogs_are_sheets_from_edge_to_edge(page_session: PageSession, kind: PageKind) -> None:
    page = page_session.open(kind).page
    page.set_viewport_size(PHONE)
    box = page.locator("dialog[open]").bounding_box()
    assert box
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, PHONE["width"], PHONE["height"])
