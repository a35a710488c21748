"""Check 28, longer translations: with words two fifths longer, no dialog or notice is cut, covered or broken.

The same of every page: test_every_page.py; of the other dialogs and notices: test_accessibility_tree.py.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import open_invite_dialog
from tests.journeys.visitors import (
    Visitor,
    show_failed_messages_offline,
    start_chat,
)
from tests.journeys.visual_checks import LONGER, LONGER_SIZES, cut_texts, layout_faults, set_styles


def question_before_a_link_is_revoked(alice: Visitor, room: str) -> None:
    alice.create_invite("Grandma Zoya")
    alice.page.goto("/chats/")
    alice.until_idle()
    open_invite_dialog(alice.page)
    alice.page.get_by_role("dialog").get_by_role("button", name="Revoke").first.click()
    expect(alice.page.get_by_role("button", name="Keep")).to_be_visible()


OPENERS = [
    show_failed_messages_offline,
    question_before_a_link_is_revoked,
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
    for size in LONGER_SIZES:
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
    for size in LONGER_SIZES:
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
    page = visitor("alice", signed_up=path != "/", viewport=LONGER_SIZES[-1]).page
    page.goto(path)
    set_styles(page, css)
    assert cut_texts(page) == []
    page.evaluate(LONGER)
    assert cut_texts(page) != []
