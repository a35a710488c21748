"""Several tabs: the same chat and draft for one account, nothing for another account in the same browser."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import MESSAGE_BOX, log_in_as_another_user, session_cookies, start_chat


def test_three_tabs_of_alice_show_the_same_chat(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    tabs: list[Page] = [alice.page, alice.new_page(), alice.new_page()]
    for tab in tabs:
        alice.open(room, page=tab)
    bob.open(room)
    for number, tab in enumerate(tabs):
        tab.fill(MESSAGE_BOX, f"from tab {number}")
        tab.press(MESSAGE_BOX, "Enter")
        bob.sees(*(f"from tab {sent}" for sent in range(number + 1)))
    bob.write("which one are you?")
    everything = ("from tab 0", "from tab 1", "from tab 2", "which one are you?")
    for tab in tabs:
        alice.sees(*everything, page=tab)
        expect(tab.locator('li[data-own="true"][data-state="read"]')).to_have_count(3)


def test_a_draft_typed_in_one_tab_appears_in_the_list_of_another(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    second = alice.new_page()
    second.goto("/chats/")
    alice.box.press_sequentially("in two places")
    expect(alice.row(room, page=second).locator(".row__preview")).to_have_text(
        re.compile(r"Draft:\s*in two places")
    )


def test_bob_finds_no_draft_of_alice_in_the_same_browser(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.box.press_sequentially("a secret draft")
    alice.until_draft_stored()
    # The session ended elsewhere, so no page could clear the storage.
    alice.context.clear_cookies()
    alice.context.add_cookies(session_cookies(bob.person))
    alice.open(room)
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Alice")
    expect(alice.box).to_have_value("")
    assert "secret" not in alice.page.evaluate("() => JSON.stringify(localStorage)")


def test_after_another_account_logged_in_an_open_chat_sends_nothing_and_keeps_the_text(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.box.press_sequentially("half a thought")
    dialog = log_in_as_another_user(alice)
    expect(dialog).to_contain_text(
        "This page no longer sends messages. Copy your unsent text before you reload it."
    )
    # The other account has no access to her chat.
    expect(dialog.get_by_role("link", name="Reload")).to_have_attribute("href", "/chats/")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    alice.page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(alice.box).to_have_value("half a thought")
    alice.box.press("Enter")
    alice.sees_state("half a thought", "pending")
    alice.until_stored(room)
