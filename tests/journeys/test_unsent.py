"""Unsent messages: confirmation after a day, rejected ones (check 10), which are sent again."""

import json

from playwright.sync_api import WebSocketRoute, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, block_sends, start_chat

DAY_MS = 24 * 3_600_000


def test_messages_pending_for_a_day_ask_before_they_are_sent(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.context.clock.install()
    allow_sends = block_sends(bob.page)
    bob.open(room)
    for body in ("yesterday's news", "better not"):
        bob.write(body)
        bob.sees_state(body, "pending")
    # In this order, or an attempt between the two would still be in time.
    bob.context.clock.fast_forward(DAY_MS + 60_000)
    allow_sends()
    for body in ("yesterday's news", "better not"):
        bob.sees_state(body, "failed")
        expect(bob.message(body)).to_contain_text("Not sent for more than a day. Send it now?")
    bob.message("yesterday's news").get_by_role("button", name="Send").click()
    bob.sees_state("yesterday's news", "sent")
    bob.message("better not").get_by_role("button", name="Discard").click()
    expect(bob.message("better not")).to_have_count(0)
    bob.page.reload()
    bob.until_ready()
    bob.sees("yesterday's news")
    bob.until_stored(room, "yesterday's news")


class Rejections:
    """Rejects messages sent over the sockets of a page, and collects their ids. Before the page is opened."""

    def __init__(self, person: Visitor) -> None:
        self.is_on = True
        self.ids: list[str] = []
        person.page.route_web_socket("**/ws/**", self.route)

    def route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "message.send":
                self.ids.append(frame["id"])
            if frame["type"] != "message.send" or not self.is_on:
                return server.send(message)
            error = {"type": "error", "code": "forbidden", "retryable": False, "id": frame["id"]}
            socket.send(json.dumps(error))

        socket.on_message(forward)


def test_a_rejected_message_keeps_its_text_and_id_and_several_are_sent_again_together_and_in_order(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    rejections = Rejections(alice)
    alice.open(room)
    alice.write("Will you have me?")
    alice.sees_state("Will you have me?", "failed")
    expect(alice.page.locator('li > [data-part="failure"]')).to_contain_text("Not sent.")
    expect(alice.page.locator("#say-alert")).to_contain_text("Not sent")
    alice.page.reload()
    alice.until_ready()
    alice.until_loaded("unsent-notice")
    alice.sees_state("Will you have me?", "failed")
    rejections.is_on = False
    alice.page.get_by_role("button", name="Try again").click()
    alice.sees_state("Will you have me?", "sent")
    assert len(rejections.ids) == 2
    assert len(set(rejections.ids)) == 1

    rejections.is_on = True
    again = alice.page.get_by_role("button", name="Try all again")
    alice.write("one")
    alice.sees_state("one", "failed")
    expect(again).to_be_hidden()
    for body in ("two", "three"):
        alice.write(body)
        alice.sees_state(body, "failed")
    expect(alice.page.get_by_text("3 messages not sent.", exact=True)).to_be_visible()
    rejections.is_on = False
    again.click()
    alice.until_stored(room, "Will you have me?", "one", "two", "three")
    alice.sees("Will you have me?", "one", "two", "three")
    expect(again).to_be_hidden()
