"""Offline and back (checks 8, 10 to 12, 24): pending messages, drafts, a killed server, rejections."""

import json
import re
import signal

import pytest
from playwright.sync_api import Error, WebSocketRoute, expect

from tests.conftest import ServerMaker
from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import Visitor, block_sends, start_chat


def go_offline(person: Visitor, proxy: TcpProxy) -> None:
    """Break the connections, and tell the browser that it has no network."""
    person.until_loaded("connection-view")
    proxy.disconnect()
    person.context.set_offline(True)


def go_online(person: Visitor, proxy: TcpProxy) -> None:
    proxy.restore()
    person.context.set_offline(False)


def test_bob_writes_offline_while_alice_writes_to_him(visitor: VisitorMaker, proxy: TcpProxy) -> None:
    alice, bob = visitor("alice"), visitor("bob", address=proxy.address)
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    bob.write("while online")
    alice.sees("while online")
    bob.until_loaded("connection-view")
    bob.until_idle()

    go_offline(bob, proxy)
    expect(bob.strip).to_have_attribute("data-state", "offline")
    expect(bob.strip).to_contain_text("No connection. Messages will be sent when you’re back online.")
    for body in ("one", "two", "three"):
        bob.write(body)
        bob.sees_state(body, "pending")
    expect(bob.box).to_be_focused()
    expect(bob.page.locator('[data-part="delivery-status"]')).to_have_text("Waiting for connection")
    expect(bob.page.locator("#say-status")).to_contain_text("No connection.")
    alice.write("are you offline?")
    alice.sees_state("are you offline?", "sent")

    go_online(bob, proxy)
    everything = ("while online", "are you offline?", "one", "two", "three")
    alice.sees(*everything)
    bob.sees(*everything)
    for body in ("one", "two", "three"):
        bob.sees_state(body, "read")
    expect(bob.strip).to_be_hidden()
    bob.page.reload()
    bob.sees(*everything)


def test_pending_messages_survive_closing_the_page_offline(visitor: VisitorMaker, proxy: TcpProxy) -> None:
    alice, bob = visitor("alice"), visitor("bob", address=proxy.address, service_workers="block")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    go_offline(bob, proxy)
    for body in ("one", "two", "three"):
        bob.write(body)
        bob.sees_state(body, "pending")
    with pytest.raises(Error, match="ERR_"):
        bob.page.reload()
    bob.page.close()
    go_online(bob, proxy)
    # Any of his pages sends them, not only that chat.
    bob.page = bob.new_page()
    bob.page.goto("/people/")
    alice.sees("one", "two", "three")
    bob.open(room)
    bob.sees("one", "two", "three")


def test_pending_messages_are_shown_after_a_reload_and_sent_once(visitor: VisitorMaker) -> None:
    """Pages load, but no message gets through."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    allow_sends = block_sends(bob.page)
    bob.open(room)
    for body in ("one", "two"):
        bob.write(body)
        bob.sees_state(body, "pending")
    for _ in range(2):
        bob.page.reload()
        bob.until_ready()
        bob.sees("one", "two")
        bob.sees_state("two", "pending")
    expect(bob.strip).to_have_attribute("data-state", re.compile("connecting|offline"))
    allow_sends()
    alice.sees("one", "two")
    bob.sees("one", "two")
    bob.sees_state("two", "read")


def test_a_draft_survives_a_reload_and_is_gone_once_sent(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.box.press_sequentially("Half a thought 🌿")
    alice.page.reload()
    alice.until_ready()
    expect(alice.box).to_have_value("Half a thought 🌿")
    alice.page.goto("/chats/")
    expect(alice.row(room).locator(".row__preview")).to_have_text(re.compile(r"Draft:\s*Half a thought 🌿"))
    alice.open(room)
    alice.box.press("Enter")
    alice.sees("Half a thought 🌿")
    alice.page.reload()
    alice.until_ready()
    expect(alice.box).to_have_value("")


def test_the_server_is_killed_and_restarted_and_no_message_is_lost_or_doubled(
    visitor: VisitorMaker, start_server: ServerMaker
) -> None:
    server = start_server()
    alice, bob = visitor("alice", address=server.address), visitor("bob", address=server.address)
    room = start_chat(alice, bob)
    for person in (alice, bob):
        person.open(room)
        person.until_loaded("connection-view")
    alice.write("before")
    bob.sees("before")

    server.stop(how=signal.SIGKILL)
    for number in range(3):
        alice.write(f"alice {number}")
        bob.write(f"bob {number}")
    for person in (alice, bob):
        expect(person.strip).to_be_visible()
        expect(person.page.locator('li[data-state="pending"]')).to_have_count(3)
    server.start()

    for person in (alice, bob):
        expect(person.bodies()).to_have_count(7)
        expect(person.page.locator('li:is([data-state="pending"], [data-state="failed"])')).to_have_count(0)
        expect(person.strip).to_be_hidden()
    bodies = alice.bodies().all_text_contents()
    bob.sees(*bodies)
    for name in ("alice", "bob"):
        assert [body for body in bodies if body.startswith(name)] == [
            f"{name} {number}" for number in range(3)
        ]
    bob.write("after")
    alice.sees(*bodies, "after")
    bob.page.reload()
    bob.sees(*bodies, "after")


def test_a_rejected_message_keeps_its_text_and_is_sent_again_with_the_same_id(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    ids: list[str] = []

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "message.send":
                ids.append(frame["id"])
            if len(ids) != 1 or frame["type"] != "message.send":
                return server.send(message)
            socket.send(
                json.dumps({"type": "error", "code": "forbidden", "retryable": False, "id": frame["id"]})
            )

        socket.on_message(forward)

    alice.page.route_web_socket("**/ws/**", route)
    alice.open(room)
    alice.write("Will you have me?")
    alice.sees_state("Will you have me?", "failed")
    expect(alice.page.locator('li > [data-part="failure"]')).to_contain_text("Not sent.")
    expect(alice.page.locator("#say-alert")).to_contain_text("Not sent")
    alice.page.reload()
    alice.until_ready()
    alice.sees_state("Will you have me?", "failed")
    alice.page.get_by_role("button", name="Try again").click()
    alice.sees_state("Will you have me?", "sent")
    assert len(ids) == 2
    assert len(set(ids)) == 1
