"""Changes that reach open pages: names, theme, language, presence on settings pages, new messages."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat


def test_bob_is_online_on_a_settings_page_and_is_notified_of_messages(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.until_loaded("presence-view")
    bob.page.goto("/settings/profile/")
    expect(alice.page.locator('[data-part="status"]')).to_have_text("online")
    bob.page.locator("#id_name").fill("Bobby, half typed")
    alice.write("are you there?")
    alice.sees_state("are you there?", "delivered")
    expect(bob.page).to_have_title(re.compile(r"^\(1\) Profile"))
    line = bob.page.locator('[data-view="toast"]')
    expect(line).to_contain_text("New message from Alice")
    expect(bob.page.locator("#id_name")).to_have_value("Bobby, half typed")
    line.get_by_role("button", name="Open chat").click()
    bob.sees("are you there?")
    for person in (alice, bob):
        assert person.faults == []


def test_a_new_name_of_bob_replaces_the_old_one_on_alices_open_page(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "hello")
    alice.open(room)
    alice.until_loaded("peer-view")
    alice.until_loaded("chat-features")
    alice.box.fill("a half written answer")
    bob.page.goto("/settings/profile/")
    bob.page.locator("#id_name").fill("Robert")
    bob.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Robert")
    expect(alice.row(room).locator('[data-part="name"]')).to_have_text("Robert")
    expect(alice.page.get_by_role("heading", level=2, name="Just you and Robert")).to_be_attached()
    expect(alice.page).to_have_title(re.compile("Robert · "))
    expect(
        alice.page.get_by_role("region", name="Messages with Robert").or_(
            alice.page.get_by_label("Messages with Robert")
        )
    ).to_be_attached()
    expect(alice.message("hello").locator('[data-part="who"]')).to_have_text("Robert:")
    expect(alice.box).to_have_value("a half written answer")
    assert "Bob" not in alice.page.locator("main").inner_text()
    assert alice.faults == []


def test_theme_and_language_reach_the_other_tabs_and_typed_text_stays(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.until_loaded("chat-features")
    alice.box.fill("a half written text")
    settings = alice.new_page()
    settings.goto("/settings/appearance/")
    settings.get_by_role("radio", name="Dark").check()
    expect(alice.page.locator("html")).to_have_attribute("data-theme", "dark")
    with alice.page.expect_navigation():
        settings.get_by_label("Language").select_option(label="Русский")
    expect(alice.page.locator("html")).to_have_attribute("lang", "ru")
    expect(alice.box).to_have_value("a half written text")
    assert alice.faults == []


def test_messages_that_arrive_in_view_are_not_counted_as_new(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "while you were away")
    alice.open(room)
    line = alice.page.locator('[data-part="new-divider"]')
    expect(line).to_contain_text("1 new message")
    bob.send(room, "before your eyes")
    alice.sees("while you were away", "before your eyes")
    expect(line).to_contain_text("1 new message")
    # Everything is read. A message that arrives while she looks elsewhere is new and gets its own divider.
    alice.until_equal(
        lambda: alice.person.api("GET", f"/conversations/{room}").json()["unread"],
        0,
        "Alice's unread count",
    )
    alice.page.evaluate("document.hasFocus = () => false")
    bob.send(room, "while you looked away")
    expect(alice.page.locator('[data-part="new-divider"] + li [data-part="body"]')).to_have_text(
        "while you looked away"
    )
    expect(line).to_contain_text("1 new message")


def test_a_link_to_a_message_that_does_not_exist_shows_an_error(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "the only one")
    alice.page.goto(f"/chats/{room}/?m=99999")
    expect(alice.page.get_by_role("status").filter(has_text="This message can’t be found.")).to_be_visible()
    alice.page.goto(f"/chats/{room}/?m=1")
    expect(alice.message("the only one")).to_be_visible()
    expect(alice.page.get_by_text("This message can’t be found.")).to_have_count(0)
