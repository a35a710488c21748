"""Several accounts and tabs in one browser: tabs share a draft; another account gets nothing of it."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import log_in_as_another_user, session_cookies, start_chat


def test_after_another_account_logged_in_an_open_chat_sends_nothing_keeps_the_text_and_shows_it_to_no_other(
    visitor: VisitorMaker,
) -> None:
    """Before, the draft is shown in the list of another tab of Alice."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    second = alice.new_page()
    second.goto("/chats/")
    alice.box.press_sequentially("half a thought")
    expect(alice.row(room, page=second).locator(".row__preview")).to_have_text(
        re.compile(r"Draft:\s*half a thought")
    )
    second.close()

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

    # The session ended elsewhere, so no page could clear the storage. Now Bob opens the chat in this browser.
    alice.until(lambda: "half a thought" in stored(alice.page), "the text in the storage")
    alice.context.clear_cookies()
    alice.context.add_cookies(session_cookies(bob.person))
    alice.open(room)
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Alice")
    expect(alice.box).to_have_value("")
    assert "half a thought" not in stored(alice.page)
    alice.until_stored(room)


def stored(page: Page) -> str:
    return str(page.evaluate("() => JSON.stringify(localStorage)"))
