"""Presence and typing: shown to the peer, hidden in both directions by the settings (check 17)."""

import json
import re

from playwright.sync_api import Locator, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import Visitor, saving, start_chat
from tests.rig.daphne_server import EntreServer


def status(person: Visitor) -> Locator:
    return person.page.locator('[data-part="status"]')


def bubble(person: Visitor) -> Locator:
    return person.page.locator('[data-part="typing"]')


def expect_presence_in_the_list(alice: Visitor, bob: Visitor, room: str, other: str) -> None:
    """Alice has another chat open."""
    row = alice.row(room)
    expect(row.locator('[data-part="avatar"]')).to_have_attribute("data-online", "true")
    expect(row.locator('[data-part="online-word"]')).to_have_text("online")
    expect(alice.row(other).locator('[data-part="avatar"]')).not_to_have_attribute("data-online", "true")
    bob.box.press_sequentially("Some words")
    expect(row.locator('[data-part="preview"]')).to_have_text("typing…")
    bob.box.fill("")
    expect(row.locator('[data-part="preview"]')).to_have_text("line 30")


def expect_whole_bubble(alice: Visitor) -> None:
    """At the end of a list longer than the window the bubble is scrolled into view, not squeezed."""
    box, composer = bubble(alice).bounding_box(), alice.box.bounding_box()
    assert box
    assert composer
    assert box["height"] >= 32
    assert box["y"] + box["height"] <= composer["y"], "all of it is in view"


def test_online_and_typing_are_shown_and_hiding_them_works_both_ways(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    """In the list beside another chat, and in the chat."""
    alice, bob, carol = visitor("alice"), visitor("bob"), visitor("carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    insert_history(daphne_server, room, timestamps(30), bodies=lambda n: f"line {n}", read=30)
    carol.send(other, "Hello")
    alice.open(other)
    alice.until_lazy_parts_loaded()
    expect(alice.row(room).locator('[data-part="avatar"]')).not_to_have_attribute("data-online", "true")
    bob.open(room)
    bob.until_loaded("presence-view")
    expect_presence_in_the_list(alice, bob, room, other)

    alice.row(room).get_by_role("link").click()
    for person in (alice, bob):
        expect(status(person)).to_have_text("online")
        expect(person.row(room).locator('[data-part="avatar"]')).to_have_attribute("data-online", "true")
    expect(alice.message("line 30")).to_be_in_viewport()
    bob.box.press_sequentially("Hel")
    expect(status(alice)).to_have_text("typing…")
    expect(bubble(alice)).to_be_visible()
    expect_whole_bubble(alice)
    expect(alice.row(room).locator('[data-part="preview"]')).to_have_text("typing…")
    # An empty box ends the typing indicator.
    bob.box.fill("")
    expect(bubble(alice)).to_be_hidden()
    expect(status(alice)).to_have_text("online")
    bob.box.press_sequentially("Hello")
    expect(bubble(alice)).to_be_visible()
    bob.box.press("Enter")
    expect(alice.message("Hello")).to_be_visible()
    expect(bubble(alice)).to_be_hidden()
    # Typing is not announced to screen readers.
    assert "typing" not in "".join(alice.page.locator("#say-messages, #say-status").all_text_contents())

    settings = bob.new_page()
    settings.goto("/settings/privacy/")
    with saving(settings, times=2):
        settings.get_by_label("Last seen and online").select_option(label="Nobody")
        settings.get_by_role("switch", name="Typing").uncheck()
    for person, other_person in ((alice, bob), (bob, alice)):
        expect(status(person)).to_have_text(f"@{other_person.username}")
        expect(person.row(room).locator('[data-part="avatar"]')).not_to_have_attribute(
            "data-online", re.compile(".")
        )
    expect_no_frames_about_typing(alice, bob, room)


def expect_no_frames_about_typing(alice: Visitor, bob: Visitor, room: str) -> None:
    sent: list[str] = []
    received: list[str] = []
    bob.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    for person in (alice, bob):
        person.page.on(
            "websocket",
            lambda socket: socket.on(
                "framereceived", lambda frame: received.append(json.loads(frame)["type"])
            ),
        )
        person.open(room)
        person.until_loaded("presence-view")
    bob.box.press_sequentially("Nobody sees this")
    alice.box.press_sequentially("Nor this")
    # Frames of a socket arrive in order, so once the message is there, no typing frame came before it.
    bob.box.press("Enter")
    expect(alice.message("Nobody sees this")).to_be_visible()
    alice.box.press("Enter")
    expect(bob.message("Nor this")).to_be_visible()
    assert sent
    assert not [frame for frame in sent if "typing.set" in frame]
    assert "message.created" in received
    assert "typing" not in received
