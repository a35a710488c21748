"""Check 28, longer translations: with words two fifths longer, nothing is cut, covered or broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PAGE_KINDS, PageKind, open_invite_dialog
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import (
    Visitor,
    expect_no_overflow,
    log_in_as_another_user,
    show_failed_messages_offline,
    start_chat,
)
from tests.journeys.visual_checks import broken_words, cut_texts, overlapping_texts, set_styles

LONGER = (Path(__file__).parent / "longer_words.js").read_text(encoding="utf-8")
SIZES: list[Any] = [
    {"width": 1280, "height": 800},
    {"width": 390, "height": 844},
    {"width": 320, "height": 640},
]


def layout_faults(page: Page) -> list[str]:
    expect_no_overflow(page)
    return [*cut_texts(page), *overlapping_texts(page), *broken_words(page)]


@pytest.mark.parametrize("kind", PAGE_KINDS, ids=lambda kind: kind.name)
def test_check_28_every_page_fits_longer_words(page_session: PageSession, kind: PageKind) -> None:
    visitor = page_session.open(kind)
    # Text written later by a script would not be lengthened.
    visitor.until_idle()
    visitor.page.evaluate(LONGER)
    for size in SIZES:
        visitor.page.set_viewport_size(size)
        assert layout_faults(visitor.page) == [], size


# --- Dialogs and notices ---


def switcher(alice: Visitor, room: str) -> None:
    open_by_keys(alice, room, "Control+k", "Search people and chats")


def shortcut_help(alice: Visitor, room: str) -> None:
    open_by_keys(alice, room, "Control+/", "Keyboard shortcuts")


def open_by_keys(alice: Visitor, room: str, keys: str, name: str) -> None:
    alice.open(room)
    alice.until_lazy_parts_loaded()
    alice.page.keyboard.press(keys)
    expect(alice.page.get_by_role("dialog", name=name)).to_be_visible()


def question_before_a_link_is_revoked(alice: Visitor, room: str) -> None:
    alice.create_invite("Grandma Zoya")
    alice.page.goto("/chats/")
    alice.until_idle()
    open_invite_dialog(alice.page)
    alice.page.get_by_role("dialog").get_by_role("button", name="Revoke").first.click()
    expect(alice.page.get_by_role("button", name="Keep")).to_be_visible()


def question_before_logging_out(alice: Visitor, room: str) -> None:
    alice.open(room)
    alice.box.press_sequentially("half a thought")
    alice.until_draft_stored()
    alice.page.goto("/settings/privacy/")
    alice.until_idle()
    alice.page.locator(".settings__link--leave").evaluate("(button) => button.click()")
    expect(alice.page.get_by_role("dialog", name="Log out of this device?")).to_be_visible()


def log_in_again(alice: Visitor, room: str) -> None:
    alice.open(room)
    alice.until_idle()
    alice.person.log_out()
    expect(alice.page.get_by_role("dialog", name="You have been logged out.")).to_be_visible()


def another_account(alice: Visitor, room: str) -> None:
    alice.open(room)
    log_in_as_another_user(alice)


OPENERS = [
    show_failed_messages_offline,
    switcher,
    shortcut_help,
    question_before_a_link_is_revoked,
    question_before_logging_out,
    log_in_again,
    another_account,
]


@pytest.mark.parametrize("open_it", OPENERS, ids=lambda open_it: open_it.__name__)
def test_check_28_dialogs_and_notices_fit_longer_words(
    visitor: VisitorMaker, open_it: Callable[[Visitor, str], None]
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "Is there room?")
    open_it(alice, room)
    alice.page.evaluate(LONGER)
    for size in SIZES:
        alice.page.set_viewport_size(size)
        assert (layout_faults(alice.page), size) == ([], size)


def test_check_28_the_message_menu_fits_longer_words_and_closes_when_the_window_is_resized(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "Is there room?")
    alice.open(room)
    alice.until_loaded("message-tools")
    alice.until_idle()
    alice.page.evaluate(LONGER)
    menu = alice.page.get_by_role("menu")
    for size in SIZES:
        alice.page.set_viewport_size(size)
        expect(menu).to_be_hidden()
        alice.page.locator("article").last.press("Enter")
        expect(menu).to_be_visible()
        assert (layout_faults(alice.page), size) == ([], size)


# --- The checks themselves ---

PLANTED = {
    "a button of fixed height": (
        "/",
        ".button { flex: none; inline-size: 200px; block-size: 32px; min-block-size: 0; padding-block: 0; }",
    ),
    "a heading of fixed width": ("/", "h1 { inline-size: 122px; overflow-wrap: normal; }"),
    "a tab that does not wrap": (
        "/chats/",
        ".tabs__tab { inline-size: 56px; flex: none; white-space: nowrap; }",
    ),
    "a choice without dots": ("/settings/privacy/", "select { text-overflow: clip; }"),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_the_visual_checks_find_text_that_does_not_fit(visitor: VisitorMaker, plant: str) -> None:
    """Otherwise the tests above would pass without checking anything. With normal words nothing is found."""
    path, css = PLANTED[plant]
    page = visitor("alice", signed_up=path != "/", viewport=SIZES[-1]).page
    page.goto(path)
    set_styles(page, css)
    assert cut_texts(page) == []
    page.evaluate(LONGER)
    assert cut_texts(page) != []
