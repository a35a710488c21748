"""Without JavaScript: sign-up, chats, invites and settings work by links and forms."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PICTURE
from tests.journeys.visitors import MESSAGE_BOX, Visitor, tab_to
from tests.rig.people import PASSWORD


def write_by_form(person: Visitor, body: str) -> None:
    person.page.fill(MESSAGE_BOX, body)
    person.page.get_by_role("button", name="Send").click()
    expect(person.bodies().last).to_have_text(body)


def test_alice_and_bob_sign_up_find_each_other_and_write_by_forms(visitor: VisitorMaker) -> None:
    alice = visitor("alice", signed_up=False, java_script_enabled=False)
    bob = visitor("bob", signed_up=False, java_script_enabled=False)
    for person in (alice, bob):
        person.page.goto("/")
        person.page.get_by_role("link", name="Create an account").click()
        person.sign_up(at="")
        expect(person.page.get_by_role("heading", name="No chats yet")).to_be_visible()

    alice.page.get_by_role("navigation", name="Lists").get_by_role("link", name="People").click()
    alice.page.get_by_role("searchbox").fill(bob.username)
    alice.page.get_by_role("searchbox").press("Enter")
    alice.page.get_by_role("button", name=bob.username).click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    write_by_form(alice, "Two lines\nwithout a script")

    bob.page.goto("/chats/")
    row = bob.row(alice.room)
    expect(row).to_contain_text("1 unread message")
    row.get_by_role("link").click()
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Alice")
    bob.sees("Two lines\nwithout a script")
    write_by_form(bob, "It came")
    # An answer marks the messages above it as read.
    expect(bob.row(alice.room)).not_to_contain_text("unread")
    alice.page.reload()
    alice.sees("Two lines\nwithout a script", "It came")
    expect(alice.message("Two lines\nwithout a script").locator('[data-part="ticks"]')).to_have_text("Read")
    # Without an answer, a button marks the chat as read.
    expect(alice.row(alice.room)).to_contain_text("1 unread message")
    alice.page.get_by_role("button", name="Mark as read").click()
    expect(alice.row(alice.room)).not_to_contain_text("unread")
    expect(alice.page.get_by_role("button", name="Mark as read")).to_have_count(0)
    alice.sees("Two lines\nwithout a script", "It came")

    # The newest message is in view without a script that scrolls there; a link leads to earlier ones.
    bob.person.log_in()
    bob.send(alice.room, *(f"line {number}" for number in range(50)))
    alice.page.reload()
    expect(alice.bodies()).to_have_count(50)
    expect(alice.bodies().last).to_be_in_viewport()
    alice.page.get_by_role("link", name="Earlier messages").click()
    alice.sees("Two lines\nwithout a script", "It came")
    alice.page.get_by_role("link", name="Newest messages").click()
    expect(alice.bodies().last).to_have_text("line 49")

    alice.page.fill(MESSAGE_BOX, "   ")
    alice.page.get_by_role("button", name="Send").click()
    expect(alice.page.get_by_role("form", name="Message").get_by_role("alert")).not_to_be_empty()
    expect(alice.bodies().last).to_have_text("line 49")
    write_by_form(alice, "A real one")

    # A file goes with or without a text, and is downloaded under its name.
    note = {"name": "été.txt", "mimeType": "text/plain", "buffer": b"by form"}
    bob.page.get_by_label("Files, at most").set_input_files([note])
    bob.page.get_by_role("button", name="Send").click()
    alice.page.reload()
    with alice.page.expect_download() as download:
        alice.page.get_by_role("link", name=re.compile("^été.txt")).click()
    assert download.value.suggested_filename == "été.txt"
    assert download.value.path().read_bytes() == b"by form"


def test_an_invite_is_created_and_accepted_by_forms(visitor: VisitorMaker) -> None:
    """There is no question before revoking, so the page explains it beside the button."""
    alice = visitor("alice", java_script_enabled=False)
    bob = visitor("bob", signed_up=False, java_script_enabled=False)
    alice.page.goto("/invites/")
    alice.page.get_by_role("button", name="Make a link").click()
    link = alice.page.get_by_label("Invite link").first.input_value()
    expect(alice.page.get_by_role("img", name="QR code of the invite link").first).to_be_visible()
    for path in (link, "/invites/"):
        alice.page.goto(path)
        expect(alice.page.get_by_text("A revoked link stops working at once.")).to_be_visible()
    bob.page.goto(link)
    bob.page.get_by_role("button", name="Create an account and accept").click()
    bob.sign_up(at="")
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Alice")
    write_by_form(bob, "Here I am")
    alice.page.goto("/chats/")
    alice.page.get_by_role("link", name=re.compile("Bob")).click()
    write_by_form(alice, "So you are")


def choose_picture(page: Page, data: bytes) -> None:
    page.set_input_files("input[name=picture]", {"name": "me.png", "mimeType": "image/png", "buffer": data})
    page.get_by_role("button", name="Save").first.click()


def test_alice_saves_settings_logs_out_and_logs_in_again(visitor: VisitorMaker) -> None:
    alice = visitor("alice", java_script_enabled=False)
    page = alice.page
    page.goto("/settings/profile/")
    page.get_by_label("Your name", exact=True).fill("Alice Liddell")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved")).to_be_visible()
    choose_picture(page, b"I am no picture")
    expect(
        page.get_by_role("link", name="We can’t read this picture. Choose a JPEG, PNG or WebP.")
    ).to_be_visible()
    choose_picture(page, PICTURE)
    expect(page.locator('main [data-part="avatar"] img')).to_be_visible()
    # The sections are reached by keyboard without a script.
    tab_to(page, page.locator('nav a[href="/settings/appearance/"]').last)
    page.keyboard.press("Enter")
    page.get_by_label("Dark").check()
    page.get_by_label("Largest").check()
    page.get_by_label("Time format").select_option("12")
    page.get_by_role("button", name="Save").click()
    expect(page.locator('html[data-theme="dark"][data-text="largest"][data-hours="12"]')).to_have_count(1)
    tab_to(page, page.locator('nav a[href="/settings/privacy/"]').last)
    page.keyboard.press("Enter")
    page.get_by_label("Show me in People").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Show me in People")).not_to_be_checked()

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    page.goto("/chats/")
    page.fill("input[name=login]", alice.username)
    page.fill("input[name=password]", "not her password")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/chats/$"))
    expect(page.get_by_text("Alice Liddell")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
