"""Presence and typing: shown to the peer, hidden in both directions by the settings (check 17)."""

import json
import re

from playwright.sync_api import Locator, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, saving, start_chat


def status(person: Visitor) -> Locator:
    return person.page.locator('[data-part="status"]')


def bubble(person: Visitor) -> Locator:
    return person.page.locator('[data-part="typing"]')


def test_online_and_typing_are_shown_and_hiding_them_works_both_ways(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    expect(status(alice)).to_have_text(f"@{bob.username}")
    bob.open(room)
    for person in (alice, bob):
        person.until_loaded("presence-view")
        expect(status(person)).to_have_text("online")
        expect(person.row(room).locator('[data-part="avatar"]')).to_have_attribute("data-online", "true")

    bob.box.press_sequentially("Hel")
    expect(status(alice)).to_have_text("typing…")
    expect(bubble(alice)).to_be_visible()
    expect(alice.row(room).locator('[data-part="preview"]')).to_have_text("typing…")
    # An empty box ends the typing indicator.
    bob.box.fill("")
    expect(bubble(alice)).to_be_hidden()
    expect(status(alice)).to_have_text("online")
    bob.box.press_sequentially("Hello")
    expect(bubble(alice)).to_be_visible()
    bob.box.press("Enter")
    alice.sees("Hello")
    expect(bubble(alice)).to_be_hidden()
    # Typing is not announced to screen readers.
    assert "typing" not in "".join(alice.page.locator("#say-messages, #say-status").all_text_contents())

    settings = bob.new_page()
    settings.goto("/settings/privacy/")
    with saving(settings, times=2):
        settings.get_by_label("Last seen and online").select_option(label="Nobody")
        settings.get_by_role("switch", name="Typing").uncheck()
    for person, other in ((alice, bob), (bob, alice)):
        expect(status(person)).to_have_text(f"@{other.username}")
        expect(person.row(room).locator('[data-part="avatar"]')).not_to_have_attribute(
            "data-online", re.compile(".")
        )
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
    alice.sees("Hello", "Nobody sees this")
    alice.box.press("Enter")
    bob.sees("Hello", "Nobody sees this", "Nor this")
    assert sent
    assert not [frame for frame in sent if "typing.set" in frame]
    assert "message.created" in received
    assert "typing" not in received


def test_the_typing_bubble_keeps_its_shape_in_a_chat_longer_than_the_window(visitor: VisitorMaker) -> None:
    """At the end of a full list the bubble is scrolled into view, not squeezed."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for number in range(30):
        alice.send(room, f"line {number}")
    for person in (alice, bob):
        person.open(room)
    # Both scripts handle keys now.
    for person in (alice, bob):
        expect(status(person)).to_have_text("online")
    bob.box.press_sequentially("Hel")
    expect(bubble(alice)).to_be_visible()
    box, composer = bubble(alice).bounding_box(), alice.box.bounding_box()
    assert box
    assert composer
    assert box["height"] >= 32
    assert box["y"] + box["height"] <= composer["y"], "all of it is in view"
