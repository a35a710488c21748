"""Lost WebSocket frames and closed sockets: each message arrives once and in order."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat

Frame = dict[str, object]
MESSAGES = 6


def drop_frames(page: Page, drops: Callable[[Frame], bool], *, to_server: bool = False) -> None:
    """Drop the frames that match, on their way to the page or to the server. Before the page is opened."""

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forwarder(send: Callable[[str], None], is_lossy: bool) -> Callable[[str | bytes], None]:
            def forward(message: str | bytes) -> None:
                assert isinstance(message, str), "frames are text"
                if not (is_lossy and drops(json.loads(message))):
                    send(message)

            return forward

        socket.on_message(forwarder(server.send, to_server))
        server.on_message(forwarder(socket.send, not to_server))

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
    # Without a reply for ten seconds, a message is sent over HTTP.
    count = 2 if to_server else MESSAGES
    for person in (alice, bob):
        person.page.clock.install()
        drop_frames(person.page, drops, to_server=to_server)
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
    bodies = alice.bodies().all_text_contents()
    bob.sees(*bodies)
    for name in ("alice", "bob"):
        assert [body for body in bodies if body.startswith(name)] == [
            f"{name} {number}" for number in range(count)
        ]
    alice.until_stored(room, *bodies)
    alice.page.reload()
    alice.sees(*bodies)


def test_no_message_is_lost_when_the_socket_closes_after_each_send(visitor: VisitorMaker) -> None:
    """The connection closes between each message and its reply."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            server.send(message)
            if json.loads(message)["type"] == "message.send":
                socket.close(code=3000)
                server.close()

        socket.on_message(forward)

    alice.page.route_web_socket("**/ws/**", route)
    alice.open(room)
    bob.open(room)
    lines = [f"line {number}" for number in range(2)]
    for line in lines:
        alice.write(line)
    bob.sees(*lines)
    alice.sees(*lines)
    expect(alice.page.locator('li[data-state="pending"]')).to_have_count(0)
    alice.until_stored(room, *lines)
