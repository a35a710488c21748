"""Lost WebSocket frames and closed sockets: each message arrives once and in order."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, start_chat

Frame = dict[str, object]


class Losses:
    """What the sockets of a page lose; nothing at first. Created before the page is opened."""

    def __init__(self, page: Page) -> None:
        self.to_page: Callable[[Frame], bool] = nothing
        self.to_server: Callable[[Frame], bool] = nothing
        self.closes_after: Callable[[Frame], bool] = nothing
        page.route_web_socket("**/ws/**", self.route)

    def route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_server(message: str | bytes) -> None:
            frame = json.loads(message)
            if not self.to_server(frame):
                server.send(message)
            if self.closes_after(frame):
                socket.close(code=3000)
                server.close()

        def to_page(message: str | bytes) -> None:
            if not self.to_page(json.loads(message)):
                socket.send(message)

        socket.on_message(to_server)
        server.on_message(to_page)


def nothing(_frame: Frame) -> bool:
    return False


def every(*types: str) -> Callable[[Frame], bool]:
    return lambda frame: frame["type"] in types


def every_second(*types: str) -> Callable[[Frame], bool]:
    seen = {"frames": 0}

    def drops(frame: Frame) -> bool:
        seen["frames"] += frame["type"] in types
        return frame["type"] in types and seen["frames"] % 2 == 0

    return drops


class Talk:
    """The chat of Alice and Bob on two pages that lose frames."""

    def __init__(self, visitor: VisitorMaker) -> None:
        self.alice, self.bob = visitor("alice"), visitor("bob")
        self.people = (self.alice, self.bob)
        self.room = start_chat(self.alice, self.bob)
        self.losses = []
        self.said: list[str] = []
        for person in self.people:
            person.page.clock.install()
            self.losses.append(Losses(person.page))
            person.open(self.room)

    def write(self, *bodies: str) -> None:
        for body in bodies:
            for person in self.people:
                person.write(f"{person.name}, {body}")

    def expect_each_once_and_in_order(self, *bodies: str, writers: tuple[Visitor, ...] = ()) -> None:
        writers = writers or self.people
        before = len(self.said)
        for person in self.people:
            expect(person.bodies()).to_have_count(before + len(writers) * len(bodies))
            expect(
                person.page.locator('li[data-own="true"]:is([data-state="pending"], [data-state="failed"])')
            ).to_have_count(0)
        self.said = self.alice.bodies().all_text_contents()
        self.bob.sees(*self.said)
        for writer in writers:
            written = [body for body in self.said[before:] if body.startswith(writer.name)]
            assert written == [f"{writer.name}, {body}" for body in bodies]
        self.alice.until_stored(self.room, *self.said)


def test_with_lost_frames_and_closed_sockets_both_users_see_each_message_once_and_in_order(
    visitor: VisitorMaker,
) -> None:
    talk = Talk(visitor)
    alice = talk.alice

    for losses in talk.losses:
        losses.to_page = every("message.accepted")
    talk.write("without replies 1", "without replies 2", "without replies 3")
    talk.expect_each_once_and_in_order("without replies 1", "without replies 2", "without replies 3")

    for losses in talk.losses:
        losses.to_page = every_second(
            "message.created", "message.accepted", "receipt.advanced", "conversation.changed"
        )
    talk.write("every second 1", "every second 2", "every second 3", "every second 4")
    talk.expect_each_once_and_in_order("every second 1", "every second 2", "every second 3", "every second 4")

    # Without a reply for ten seconds, a message is sent over HTTP.
    for losses in talk.losses:
        losses.to_page, losses.to_server = nothing, every("message.send")
    talk.write("over HTTP 1", "over HTTP 2")
    for body in ("over HTTP 1", "over HTTP 2"):
        for person in talk.people:
            expect(person.message(f"{person.name}, {body}")).to_be_visible()
            person.page.clock.fast_forward(11_000)
            person.sees_state(f"{person.name}, {body}", "read")
    talk.expect_each_once_and_in_order("over HTTP 1", "over HTTP 2")

    # The connection closes between each message and its reply.
    for losses in talk.losses:
        losses.to_server = nothing
    talk.losses[0].closes_after = every("message.send")
    for body in ("on a closing socket 1", "on a closing socket 2"):
        alice.write(f"{alice.name}, {body}")
    talk.expect_each_once_and_in_order("on a closing socket 1", "on a closing socket 2", writers=(alice,))

    alice.page.reload()
    alice.sees(*talk.said)
