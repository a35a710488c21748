"""Changes that reach open pages: names, theme, language, presence on settings pages, new messages."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat


def test_a_new_name_of_bob_his_presence_and_messages_reach_pages_with_typed_text_that_stays(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "hello")
    alice.open(room)
    for module in ("peer-view", "chat-features", "presence-view"):
        alice.until_loaded(module)
    alice.box.fill("a half written answer")
    bob.page.goto("/settings/profile/")
    expect(alice.page.locator('[data-part="status"]')).to_have_text("online")
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

    # A message for Bob, while he changes his settings.
    bob.until_idle()
    bob.page.locator("#id_name").fill("Bobby, half typed")
    alice.write("are you there?")
    alice.sees_state("are you there?", "delivered")
    expect(bob.page).to_have_title(re.compile(r"^\(1\) Profile"))
    line = bob.page.locator('[data-view="toast"]')
    expect(line).to_contain_text("New message from Alice")
    expect(bob.page.locator("#id_name")).to_have_value("Bobby, half typed")
    line.get_by_role("button", name="Open chat").click()
    bob.sees("hello", "are you there?")


def test_messages_in_view_are_not_counted_and_theme_and_language_reach_an_open_chat_whose_text_stays(
    visitor: VisitorMaker,
) -> None:
    """And a link to a message that does not exist shows an error."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.page.goto(f"/chats/{room}/?m=99999")
    missing = alice.page.get_by_text("This message can’t be found.")
    expect(alice.page.get_by_role("status").filter(has_text="This message can’t be found.")).to_be_visible()
    alice.page.goto("/people/")
    bob.send(room, "while you were away")
    alice.open(room)
    expect(missing).to_have_count(0)
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
