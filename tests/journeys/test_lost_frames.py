"""Frames are lost between browser and service: nothing is doubled, nothing is missing, everything stands in order."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat

Frame = dict[str, object]
HOW_MANY = 6


def hold_back(page: Page, drops: Callable[[Frame], bool], *, to_server: bool = False) -> None:
    """Frames of which `drops` says so are lost, on their way to the page or to the server. Before the page is opened."""

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(send: Callable[[str], None], loses: bool) -> Callable[[str | bytes], None]:
            def carry(message: str | bytes) -> None:
                assert isinstance(message, str), "frames are text"
                if not (loses and drops(json.loads(message))):
                    send(message)

            return carry

        socket.on_message(pass_on(server.send, to_server))
        server.on_message(pass_on(socket.send, not to_server))

    page.route_web_socket("**/ws/**", route)


def every_second(*types: str) -> Callable[[Frame], bool]:
    seen = {"frames": 0}

    def drops(frame: Frame) -> bool:
        seen["frames"] += frame["type"] in types
        return frame["type"] in types and seen["frames"] % 2 == 0

    return drops


def every(*types: str) -> Callable[[Frame], bool]:
    return lambda frame: frame["type"] in types


LOSSES = {
    "every acknowledgement": (every("message.accepted"), False),
    "every second pushed frame": (
        every_second("message.created", "message.accepted", "receipt.advanced", "conversation.changed"),
        False,
    ),
    "every message on its way out": (every("message.send"), True),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_with_lost_frames_both_users_see_each_message_once_and_in_order(
    visitor: VisitorMaker, loss: str
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    drops, to_server = LOSSES[loss]
    # Each waits for ten silent seconds, then takes the other door.
    count = 2 if to_server else HOW_MANY
    for person in (alice, bob):
        person.page.clock.install()
        hold_back(person.page, drops, to_server=to_server)
        person.open(room)
    for number in range(count):
        alice.write(f"alice {number}")
        bob.write(f"bob {number}")
    for number in range(count if to_server else 0):
        for person in (alice, bob):
            expect(person.message(f"{person.name.lower()} {number}")).to_be_visible()
            person.page.clock.fast_forward(11_000)
            person.sees_state(f"{person.name.lower()} {number}", "read")
    for person in (alice, bob):
        expect(person.bodies()).to_have_count(2 * count)
        expect(
            person.page.locator('li[data-own="true"]:is([data-state="pending"], [data-state="failed"])')
        ).to_have_count(0)
    said = alice.bodies().all_text_contents()
    bob.sees(*said)
    for name in ("alice", "bob"):
        assert [body for body in said if body.startswith(name)] == [
            f"{name} {number}" for number in range(count)
        ]
    alice.until_stored(room, *said)
    alice.page.reload()
    alice.sees(*said)


def test_no_message_is_lost_when_the_socket_closes_after_each_send(visitor: VisitorMaker) -> None:
    """The line drops between the sending and the answer, again and again."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def carry(message: str | bytes) -> None:
            server.send(message)
            if json.loads(message)["type"] == "message.send":
                socket.close(code=3000)
                server.close()

        socket.on_message(carry)

    alice.page.route_web_socket("**/ws/**", route)
    alice.open(room)
    bob.open(room)
    lines = [f"line {number}" for number in range(3)]
    for line in lines:
        alice.write(line)
    bob.sees(*lines)
    alice.sees(*lines)
    expect(alice.page.locator('li[data-state="pending"]')).to_have_count(0)
    alice.until_stored(room, *lines)
