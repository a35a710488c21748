"""Actions on a message between two browsers: reply, edit, react, delete, forward, select; also offline."""

import re

from playwright.sync_api import Locator, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, start_chat


def open_chat(person: Visitor, room: str) -> None:
    """With the message menu and everything else that loads later."""
    person.open(room)
    person.until_loaded("message-actions")
    person.until_idle()


def article(person: Visitor, body: str) -> Locator:
    return person.message(body).locator("article")


def choose(person: Visitor, body: str, name: str) -> None:
    """Press an item of the menu of this message."""
    article(person, body).click(button="right")
    person.page.get_by_role("menuitem", name=name).click()


def test_check_21_a_message_is_answered_edited_and_deleted_by_keys_alone_and_bob_follows_and_reacts(
    visitor: VisitorMaker,
) -> None:
    """Checks 21 and 22: no pointer, the draft comes back with its caret, and the focus is never lost."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "shall we meet?")
    open_chat(alice, room)
    open_chat(bob, room)
    expect_reactions(alice, bob)
    keys = alice.page.keyboard
    alice.box.focus()
    keys.press("Shift+F6")
    expect(article(alice, "shall we meet?")).to_be_focused()
    keys.press("r")
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_accessible_description(re.compile("Reply to Bob"))
    keys.type("at eigth")
    keys.press("Enter")
    quote = bob.message("at eigth").locator('[data-part="quote"]')
    expect(quote).to_contain_text("shall we meet?")

    # ArrowUp in the empty box edits; Escape brings the draft back.
    keys.press("ArrowUp")
    expect(alice.box).to_have_value("at eigth")
    keys.press("Escape")
    expect(alice.box).to_have_value("")
    keys.type("and a draft")
    keys.press("Home")
    keys.press("Shift+F6")
    keys.press("End")
    expect(article(alice, "at eigth")).to_be_focused()
    keys.press("e")
    expect(alice.box).to_have_value("at eigth")
    keys.press("Control+a")
    keys.type("at eight")
    keys.press("Enter")
    expect(alice.box).to_have_value("and a draft")
    assert alice.box.evaluate("(box) => box.selectionStart") == 0
    for person in (alice, bob):
        expect(person.message("at eight").locator('[data-part="edited"]')).to_be_visible()

    # A quote follows what it quotes.
    bob.message("at eight").locator('[data-part="quote"]').click()
    expect(article(bob, "shall we meet?")).to_be_focused()
    bob.page.keyboard.press("e")
    bob.box.fill("shall we eat?")
    bob.box.press("Enter")
    expect(alice.message("at eight").locator('[data-part="quote"]')).to_contain_text("shall we eat?")

    keys.press("Shift+F6")
    expect(article(alice, "at eight")).to_be_focused()
    keys.press("Delete")
    dialog = alice.page.get_by_role("dialog", name="Delete this message?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Delete for both")).to_be_focused()
    keys.press("Enter")
    gone = alice.message("Message deleted")
    expect(gone).to_have_attribute("data-deleted", "true")
    expect(gone.locator("article")).to_be_focused()
    bob.sees("shall we eat?", "Message deleted")
    bob.until_stored(room, "shall we eat?", "")


def expect_reactions(alice: Visitor, bob: Visitor) -> None:
    """A reaction is set in the menu and taken back at the chip."""
    article(alice, "shall we meet?").click(button="right")
    alice.page.get_by_role("menuitemcheckbox", name="👍").click()
    chip = {
        person: person.message("shall we meet?").get_by_role("button", name="👍") for person in (alice, bob)
    }
    expect(chip[alice]).to_have_attribute("aria-pressed", "true")
    expect(chip[bob]).to_have_accessible_name("👍 Alice")
    chip[bob].click()
    expect(chip[alice]).to_have_accessible_name("👍 You, Bob")
    chip[alice].click()
    expect(chip[bob]).to_have_accessible_name("👍 You")
    chip[bob].click()
    expect(chip[bob]).to_have_count(0)
    expect(chip[alice]).to_have_count(0)


def test_edits_reactions_and_deletions_made_offline_arrive_after_a_reload_and_a_conflict_is_alices_to_decide(
    visitor: VisitorMaker,
) -> None:
    """Typed text is never lost: of two devices that edit one message, neither text disappears unseen."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.send(room, "helo", "one too many", "colour")
    bob.send(room, "hi")
    open_chat(alice, room)
    alice.context.set_offline(True)
    alice.page.evaluate("dispatchEvent(new Event('offline'))")
    for before, after in (("helo", "hello"), ("colour", "color")):
        choose(alice, before, "Edit")
        alice.box.fill(after)
        alice.box.press("Enter")
        expect(alice.message(after).locator('[data-part="edited"]')).to_have_text("saving…")
    choose(alice, "one too many", "Delete…")
    alice.page.get_by_role("button", name="Delete for me").click()
    alice.sees("hello", "color", "hi")
    alice.page.get_by_role("button", name="Undo").click()
    alice.sees("hello", "one too many", "color", "hi")
    expect(alice.page.locator("article:focus")).to_have_count(1)
    choose(alice, "one too many", "Delete…")
    alice.page.get_by_role("button", name="Delete for both").click()
    # Meanwhile, on her phone.
    assert alice.person.api("PATCH", f"/conversations/{room}/messages/3", {"body": "COLOUR"}).is_success
    alice.context.set_offline(False)
    open_chat(alice, room)
    alice.until_stored(room, "hello", "", "COLOUR", "hi")
    alice.sees("hello", "Message deleted", "COLOUR", "hi")
    refused = alice.message("COLOUR").locator('[data-part="edit-failure"]')
    expect(refused.locator('[data-part="mine"]')).to_have_text("color")
    refused.get_by_role("button", name="Use my text").click()
    alice.until_stored(room, "hello", "", "color", "hi")
    expect(refused).to_have_count(0)


def test_several_messages_are_copied_and_forwarded_and_the_draft_follows_to_the_other_device(
    visitor: VisitorMaker,
) -> None:
    alice, bob, carol = visitor("alice"), visitor("bob"), visitor("carol", name="Carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    alice.send(room, "one", "two", "three")
    carol.send(other, "hello")
    open_chat(alice, room)
    choose(alice, "one", "Select")
    article(alice, "three").click()
    tools = alice.page.get_by_role("toolbar", name="Selected messages")
    expect(tools).to_contain_text("2 selected")
    tools.get_by_role("button", name="Copy text").click()
    expect(alice.page.locator("#say-status")).to_contain_text("Copied")
    lines = alice.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert [re.sub(r"^\[.*?\] ", "", line) for line in lines] == ["You: one", "You: three"]
    choose(alice, "one", "Select")
    article(alice, "three").click()
    # The selection stays when no chat is chosen.
    tools.get_by_role("button", name="Forward…").click()
    alice.page.keyboard.press("Escape")
    expect(tools.get_by_role("button", name="Forward…")).to_be_focused()
    expect(tools).to_contain_text("2 selected")
    tools.get_by_role("button", name="Forward…").click()
    # The directory has the Carols of other tests, too.
    alice.page.get_by_role("combobox").fill("Carol")
    alice.page.get_by_role("option", name=f"@{carol.username}").click()
    carol.until_stored(other, "hello", "one", "three")
    alice.box.fill("not finished")
    alice.row(other).get_by_role("link").click()
    alice.sees("hello", "one", "three")
    alice.until_equal(
        lambda: alice.person.api("GET", f"/conversations/{room}").json()["draft"], "not finished", "the draft"
    )
    assert alice.person.api("PUT", f"/conversations/{room}/draft", {"body": "from the phone"}).is_success
    expect(alice.row(room)).to_contain_text("from the phone")
    alice.row(room).get_by_role("link").click()
    expect(alice.box).to_have_value("from the phone")
