"""Offline and back (checks 8, 11, 12, 24): pending messages, drafts, a killed server."""

import re
import signal

import pytest
from playwright.sync_api import Error, expect

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


def test_bob_writes_offline_while_alice_writes_to_him_and_his_draft_survives_reloads_until_it_is_sent(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
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

    bob.box.press_sequentially("Half a thought 🌿")
    bob.page.reload()
    bob.until_ready()
    bob.sees(*everything)
    expect(bob.box).to_have_value("Half a thought 🌿")
    bob.page.goto("/chats/")
    expect(bob.row(room).locator(".row__preview")).to_have_text(re.compile(r"Draft:\s*Half a thought 🌿"))
    bob.open(room)
    bob.box.press("Enter")
    bob.sees(*everything, "Half a thought 🌿")
    bob.page.reload()
    bob.until_ready()
    expect(bob.box).to_have_value("")


def test_pending_messages_survive_a_reload_and_closing_the_page_offline_and_are_sent_once(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    alice, bob = visitor("alice"), visitor("bob", address=proxy.address, service_workers="block")
    room = start_chat(alice, bob)
    # Pages load, but no message gets through.
    block_sends(bob.page)
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

    go_offline(bob, proxy)
    bob.write("three")
    bob.sees_state("three", "pending")
    with pytest.raises(Error, match="ERR_"):
        bob.page.reload()
    bob.page.close()
    go_online(bob, proxy)
    # Any of his pages sends them, not only that chat.
    bob.page = bob.new_page()
    bob.page.goto("/people/")
    bob.until_stored(room, "one", "two", "three")
    bob.open(room)
    bob.sees("one", "two", "three")
    bob.sees_state("three", "sent")


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
