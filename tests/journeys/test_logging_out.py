"""Logging out: the question about unsent text, and no data left in the browser."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import (
    MESSAGE_BOX,
    Visitor,
    block_sends,
    click_outside,
    has_stored,
    session_cookies,
    start_chat,
)

STORED_DATA = """async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map(({name}) => name),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
    cookies: document.cookie.split("; ").filter(
        (pair) => !/^((port\\d+-)?csrftoken|theme|language|django_language)=/.test(pair) && pair),
})"""
NOTHING = {"local": [], "session": [], "databases": [], "caches": [], "workers": 0, "cookies": []}
LOGGED_OUT_URL = re.compile(r"^http://[^/]+/(accounts/login/.*)?$")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Log out of this device?")


def expect_no_data(person: Visitor, page: Page) -> None:
    """Workers and databases are removed in the background, after the log-in page has loaded."""
    person.until_equal(lambda: page.evaluate(STORED_DATA), NOTHING, "what is left in the browser")


def leave_two_unsent(person: Visitor, room: str) -> None:
    """Leave two messages and a draft in the browser, with every socket and request blocked."""
    block_sends(person.page)
    person.open(room)
    for body in ("a secret one", "a secret two"):
        person.write(body)
        person.sees_state(body, "pending")
    person.box.press_sequentially("a secret draft")
    person.until_draft_stored()
    person.until(lambda: has_stored(person.page, "outbox"), "the outbox in the storage")


def test_logging_out_asks_first_when_messages_are_unsent(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    leave_two_unsent(alice, room)
    leaving = alice.new_page()
    leaving.goto("/settings/")
    log_out = leaving.get_by_role("navigation").get_by_role("button", name="Log out")
    for refuse in ("Escape", "Stay", "outside"):
        log_out.focus()
        leaving.keyboard.press("Enter")
        expect(dialog(leaving)).to_be_visible()
        expect(dialog(leaving)).to_contain_text(
            "2 messages have not been sent. They will be deleted from this device."
        )
        expect(dialog(leaving)).to_contain_text("1 draft will be deleted from this device.")
        expect(dialog(leaving).get_by_role("button", name="Stay")).to_be_focused()
        if refuse == "Escape":
            leaving.keyboard.press("Escape")
        elif refuse == "Stay":
            leaving.keyboard.press("Enter")
        else:
            click_outside(leaving, dialog(leaving))
        expect(dialog(leaving)).to_be_hidden()
        expect(log_out).to_be_focused()
        assert has_stored(leaving, "outbox")
        assert has_stored(leaving, "draft")
    leaving.reload()
    expect(leaving).to_have_url(re.compile("/settings/"))

    leaving.goto("/accounts/logout/")
    leaving.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(dialog(leaving).get_by_role("button", name="Stay")).to_be_focused()
    leaving.keyboard.press("Shift+Tab")
    expect(dialog(leaving).get_by_role("button", name="Log out")).to_be_focused()
    leaving.keyboard.press("Enter")
    expect(leaving).to_have_url(LOGGED_OUT_URL)
    expect_no_data(alice, leaving)
    expect(alice.page).to_have_url(LOGGED_OUT_URL)
    # The deleted messages are not sent later.
    alice.person.log_in()
    alice.context.add_cookies(session_cookies(alice.person))
    fresh = alice.new_page()
    alice.open(room, page=fresh)
    fresh.fill(MESSAGE_BOX, "the only one")
    fresh.press(MESSAGE_BOX, "Enter")
    # They would have been stored before this one.
    bob.until_stored(room, "the only one")


def test_logging_out_in_one_tab_logs_out_the_others_and_leaves_no_data(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.write("for your eyes")
    alice.sees_state("for your eyes", "sent")
    alice.box.press_sequentially("a secret draft")
    chats, leaving = alice.new_page(), alice.new_page()
    chats.goto("/chats/")
    leaving.goto("/settings/")
    alice.until_draft_stored(leaving)

    # The last keys are not stored yet, and must not be stored any more.
    alice.box.press_sequentially(" and more")
    leaving.get_by_role("button", name="Log out").click()
    dialog(leaving).get_by_role("button", name="Log out").click()
    expect(leaving).to_have_url(LOGGED_OUT_URL)
    for tab in (alice.page, chats):
        expect(tab).to_have_url(LOGGED_OUT_URL)
        expect(tab.locator("body")).not_to_contain_text("for your eyes")
        expect_no_data(alice, tab)
    expect_no_data(alice, leaving)
    # The back button shows nothing either.
    alice.page.go_back()
    expect(alice.page.locator(MESSAGE_BOX)).to_have_count(0)
    expect(alice.page.locator("body")).not_to_contain_text("for your eyes")


def test_after_logging_out_the_back_button_shows_no_message_and_no_site_data_is_left(
    visitor: VisitorMaker,
) -> None:
    """One tab: chat, settings, log-out, which asks nothing when nothing is unsent, then back to each of them.

    Clear-Site-Data also removes what our scripts do not know of (T57).
    """
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.write("for your eyes")
    alice.sees_state("for your eyes", "sent")
    alice.page.goto("/settings/")
    alice.page.evaluate(
        "() => { localStorage.setItem('of-an-older-version', 'secret');"
        " sessionStorage.setItem('another', 'secret'); }"
    )
    alice.page.evaluate(
        "() => new Promise((done) => { indexedDB.open('old').onsuccess = done; })"
        ".then(() => caches.open('old'))"
    )
    with alice.page.expect_response(lambda answer: answer.url.endswith("/accounts/logout/")) as answered:
        alice.page.get_by_role("button", name="Log out").click()
    assert answered.value.all_headers()["clear-site-data"] == '"cache", "storage"'
    expect(alice.page).to_have_url(LOGGED_OUT_URL)
    expect_no_data(alice, alice.page)
    for _ in range(2):
        alice.page.go_back()
        expect(alice.page.locator("body")).not_to_contain_text("for your eyes")
        expect(alice.page.locator(MESSAGE_BOX)).to_have_count(0)
        expect_no_data(alice, alice.page)
    # As by a tab that was still loading.
    alice.page.evaluate("() => navigator.serviceWorker.register('/sw.js', { type: 'module' })")
    alice.page.goto("/")
    expect_no_data(alice, alice.page)
