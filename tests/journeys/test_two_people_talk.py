"""The main flow: Alice and Bob sign up, find each other and talk; ticks, badges and titles follow."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat


def test_alice_and_bob_sign_up_she_opens_a_chat_they_talk_and_ticks_show_sent_delivered_and_read(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice", signed_up=False), visitor("bob", signed_up=False)
    for person in (alice, bob):
        person.page.goto("/")
        person.page.get_by_role("link", name="Create an account").click()
        person.sign_up(at="")
        expect(person.page).to_have_url(re.compile(r"/chats/$"))
        expect(person.page.get_by_role("heading", level=1)).to_have_text("Who would you like to write to?")

    alice.page.get_by_role("navigation", name="Lists").get_by_role("link", name="People").click()
    alice.page.get_by_role("searchbox").fill(bob.username)
    alice.page.get_by_role("searchbox").press("Enter")
    alice.page.get_by_role("button", name=bob.username).click()
    alice.until_ready()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    expect(alice.box).to_be_focused()

    # Bob is on another page, where the chat appears.
    alice.write("Hello Bob")
    room = alice.room
    row = bob.row(room)
    expect(row.locator('[data-part="preview"]')).to_have_text("Hello Bob")
    expect(row.locator('[data-part="badge"]')).to_have_text("1")
    row.get_by_role("link").click()
    bob.until_ready()
    bob.sees("Hello Bob")
    bob.person.log_in()
    # Until he answers she is a stranger, who gets no receipts, however long he reads.
    bob.until_equal(
        lambda: bob.person.api("GET", f"/conversations/{room}").json()["unread"], 0, "Bob's unread count"
    )
    alice.sees_state("Hello Bob", "sent")

    bob.write("Hello Alice")
    bob.write("You found me")
    alice.sees("Hello Bob", "Hello Alice", "You found me")
    alice.sees_state("Hello Bob", "read")
    alice.write("It was one click")
    alice.sees_state("It was one click", "read")
    expect(alice.page.locator('[data-part="delivery-status"]')).to_have_text(re.compile("^Read"))
    for person in (alice, bob):
        expect(person.bodies()).to_have_count(4)
        # Pending messages are last until the server has numbered them.
        expect(person.page.locator('li[data-state="pending"]')).to_have_count(0)
    bodies = alice.bodies().all_text_contents()
    bob.sees(*bodies)
    assert bodies.index("Hello Alice") < bodies.index("You found me")

    # Bob leaves, so the ticks come one after another.
    bob.page.goto("about:blank")
    alice.write("Are you there?")
    alice.sees_state("Are you there?", "sent")
    ticks = alice.message("Are you there?").locator('[data-part="ticks"]')
    body = alice.message("Are you there?").locator('[data-part="body"]')
    before = body.bounding_box(), ticks.bounding_box()
    bob.page.goto("/people/")
    alice.sees_state("Are you there?", "delivered")
    expect(alice.page.locator('[data-part="delivery-status"]')).to_have_text("Delivered")
    bob.open(room)
    alice.sees_state("Are you there?", "read")
    assert (body.bounding_box(), ticks.bounding_box()) == before, "a tick moved the text"


def test_list_badge_and_title_follow_new_and_read_messages(visitor: VisitorMaker) -> None:
    # A number in a name is not an unread count.
    alice, bob, carol = visitor("alice"), visitor("bob", name="(12) Bob"), visitor("carol")
    with_bob, with_carol = start_chat(alice, bob), start_chat(alice, carol)
    alice.send(with_carol, "Hi Carol")
    alice.page.goto("/chats/")
    expect(alice.page).to_have_title(re.compile(r"^Chats"))

    for number in range(1, 4):
        bob.send(with_bob, f"news {number}")
        expect(alice.row(with_bob).locator('[data-part="badge"]')).to_have_text(str(number))
        expect(alice.row(with_bob).locator('[data-part="preview"]')).to_have_text(f"news {number}")
        expect(alice.page.locator('[data-part="total-unread"]')).to_have_text(str(number))
        expect(alice.page).to_have_title(re.compile(rf"^\({number}\) Chats"))
    expect(alice.page.locator('[data-view="rows"] > li').first).to_have_attribute("data-room", with_bob)

    # A second tab with the other chat shows the count, too; reading in the first tab lowers it.
    second = alice.new_page()
    alice.open(with_carol, page=second)
    expect(second).to_have_title(re.compile(r"^\(3\) Carol"))
    alice.row(with_bob).get_by_role("link").click()
    alice.until_ready()
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_text("3 new messages")
    for page in (alice.page, second):
        expect(alice.row(with_bob, page=page).locator('[data-part="badge"]')).to_be_hidden()
        expect(page.locator('[data-part="total-unread"]')).to_be_hidden()
    expect(second).to_have_title(re.compile(r"^Carol"))
    expect(alice.page).to_have_title(re.compile(r"^\(12\) Bob · "))
    # The divider stays until she answers.
    expect(alice.page.locator('[data-part="new-divider"]')).to_be_visible()
    alice.write("Read them all")
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_count(0)
