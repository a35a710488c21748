"""Half-open connections, frozen pages and sleep: the client notices, reconnects, and loses nothing.

The server asks for a heartbeat every two seconds instead of every half minute.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TO_BROWSER, TO_SERVER, TcpProxy
from tests.journeys.visitors import Visitor, start_chat
from tests.rig.daphne_server import EntreServer, SharedStatics

HEARTBEAT_MS = 2_000
DIRECTIONS = {
    "both ways": (TO_SERVER, TO_BROWSER),
    "to the server only": (TO_SERVER,),
    "to the browser only": (TO_BROWSER,),
}


@pytest.fixture(scope="module")
def short_heartbeat_server(statics: SharedStatics) -> Iterator[EntreServer]:
    with EntreServer(
        statics, LIMITS="off", HEARTBEAT_MS=str(HEARTBEAT_MS), DJANGO_SETTINGS_MODULE="tests.rig.fast_hashing"
    ) as server:
        yield server


@pytest.fixture
def alice_and_bob(
    visitor: VisitorMaker, short_heartbeat_server: EntreServer
) -> Iterator[tuple[Visitor, Visitor, TcpProxy, str]]:
    """Alice connects directly, Bob through a proxy. Their chat is open on Alice's page."""
    with TcpProxy(short_heartbeat_server.ports[0]) as proxy:
        alice, bob = (
            visitor("alice", address=short_heartbeat_server.address),
            visitor("bob", address=proxy.address),
        )
        room = start_chat(alice, bob)
        alice.open(room)
        yield alice, bob, proxy, room


def open_and_record_sockets(person: Visitor, room: str) -> list[str]:
    """Open the chat. Returns a list that collects the addresses of the page's sockets."""
    opened: list[str] = []
    person.page.on("websocket", lambda socket: opened.append(socket.url))
    person.open(room)
    person.until_loaded("connection-view")
    person.until(lambda: len(opened) == 1, "the first socket")
    person.until_idle()
    return opened


def expect_everywhere(alice: Visitor, bob: Visitor, room: str, *bodies: str) -> None:
    for person in (alice, bob):
        person.sees(*bodies)
        expect(person.page.locator('li:is([data-state="pending"], [data-state="failed"])')).to_have_count(0)
    alice.until_stored(room, *bodies)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_half_open_connection_is_replaced_and_no_message_is_lost(
    alice_and_bob: tuple[Visitor, Visitor, TcpProxy, str], direction: str
) -> None:
    alice, bob, proxy, room = alice_and_bob
    sockets = open_and_record_sockets(bob, room)
    bob.write("before")
    bob.sees_state("before", "read")
    proxy.drop_silently(*DIRECTIONS[direction])
    bob.write("into the void")
    bob.sees_state("into the void", "pending")
    bob.until(lambda: len(sockets) >= 2, "a second socket after the missing pong")
    bob.sees_state("into the void", "read")
    alice.write("there you are")
    expect_everywhere(alice, bob, room, "before", "into the void", "there you are")
    expect(bob.strip).to_be_hidden()


def test_bob_receives_messages_after_his_idle_connection_died(
    alice_and_bob: tuple[Visitor, Visitor, TcpProxy, str],
) -> None:
    alice, bob, proxy, room = alice_and_bob
    sockets = open_and_record_sockets(bob, room)
    bob.page.wait_for_function("() => document.querySelector('[data-part=status]').textContent === 'online'")
    proxy.drop_silently(TO_SERVER, TO_BROWSER)
    alice.write("are you there?")
    bob.sees("are you there?")
    # On a busy machine the new connection may time out, too.
    assert len(sockets) >= 2


def test_after_a_sleep_a_dead_connection_is_replaced_at_once(
    alice_and_bob: tuple[Visitor, Visitor, TcpProxy, str],
) -> None:
    """The clock jumps by ten minutes. The jump itself triggers the check, before the next heartbeat."""
    alice, bob, proxy, room = alice_and_bob
    bob.page.clock.install()
    sockets = open_and_record_sockets(bob, room)
    proxy.drop_silently(TO_SERVER, TO_BROWSER)
    alice.write("good morning")
    bob.page.clock.fast_forward(600_000)
    bob.until(lambda: len(sockets) >= 2, "a second socket")
    bob.sees("good morning")
    bob.write("good morning to you")
    expect_everywhere(alice, bob, room, "good morning", "good morning to you")


def test_a_frozen_page_catches_up_when_it_resumes(
    alice_and_bob: tuple[Visitor, Visitor, TcpProxy, str],
) -> None:
    alice, bob, proxy, room = alice_and_bob
    sockets = open_and_record_sockets(bob, room)
    tools = bob.context.new_cdp_session(bob.page)
    tools.send("Page.setWebLifecycleState", {"state": "frozen"})
    proxy.drop_silently(TO_SERVER, TO_BROWSER)
    alice.write("while you were away")
    tools.send("Page.setWebLifecycleState", {"state": "active"})
    bob.until(lambda: len(sockets) >= 2, "a second socket")
    bob.sees("while you were away")
    bob.write("back again")
    expect_everywhere(alice, bob, room, "while you were away", "back again")


def test_a_frozen_tab_does_not_keep_the_others_from_sending(
    alice_and_bob: tuple[Visitor, Visitor, TcpProxy, str],
) -> None:
    """It held the lock for sending when it froze."""
    alice, bob, _proxy, room = alice_and_bob
    # The messages of the first tab are dropped, so it keeps the lock.
    bob.page.route_web_socket(
        "**/ws/**", lambda socket: socket.connect_to_server() and socket.on_message(lambda frame: None)
    )
    bob.page.route("**/api/v1/conversations/*/messages", lambda route: None)
    bob.open(room)
    bob.until_loaded("connection-view")
    bob.write("from the frozen tab")
    bob.sees_state("from the frozen tab", "pending")
    other = bob.new_page()
    bob.context.new_cdp_session(bob.page).send("Page.setWebLifecycleState", {"state": "frozen"})
    bob.open(room, page=other)
    other.fill("textarea[name=body]", "from the other tab")
    other.press("textarea[name=body]", "Enter")
    bob.sees("from the frozen tab", "from the other tab", page=other)
    alice.sees("from the frozen tab", "from the other tab")
