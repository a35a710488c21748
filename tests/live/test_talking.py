"""Two users chat through the real service, from cookie to channel layer: in one process and in two."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.rig.daphne_server import EntreServer
from tests.rig.people import Person
from tests.sockets import Refused, expect, expect_silence, open_socket

Newcomer = Callable[..., Person]


@pytest.fixture(params=["one process on SQLite", "two processes on PostgreSQL and Redis"])
def service(request: pytest.FixtureRequest) -> EntreServer:
    fixture = "daphne_server" if "SQLite" in request.param else "shared_scaled_server"
    server: EntreServer = request.getfixturevalue(fixture)
    return server


@pytest.fixture
def names() -> tuple[str, str, str]:
    """New users for every test: the server of a module keeps its accounts."""
    mark = uuid4().hex[:6]
    return f"alice{mark}", f"bob{mark}", f"mallory{mark}"


def people_of(
    service: EntreServer, names: tuple[str, str, str], person_at: Newcomer
) -> tuple[Person, Person, Person]:
    """Alice uses the first process, the others the last."""
    last = len(service.ports) - 1
    alice, bob, mallory = (
        person_at(service, name, process=process)
        for name, process in zip(names, (0, last, last), strict=True)
    )
    return alice, bob, mallory


@pytest.mark.parametrize("route", ["/ws/", "/ws/chat/{room}/"])
async def test_alice_writes_and_bob_reads_at_once(
    service: EntreServer, names: tuple[str, str, str], person_at: Newcomer, route: str
) -> None:
    alice, bob, _ = people_of(service, names, person_at)
    room = alice.open_chat_with(bob)
    # An empty conversation exists only for the user who opened it.
    assert bob.open_chat_with(alice) == room
    path = route.format(room=room)
    async with (
        open_socket(alice, path) as hers,
        open_socket(alice, path) as her_phone,
        open_socket(bob, path) as his,
    ):
        for socket in (hers, her_phone, his):
            greeting = await expect(socket, "connection_established")
            assert greeting["message"] == "You are now connected!"
        id = str(uuid4())
        await hers.send("message.send", ref="1", room=room, id=id, body="Hello, Боб 🌿")
        accepted = await expect(hers, "message.accepted", ref="1")
        assert (accepted["id"], accepted["seq"], accepted["duplicate"]) == (id, 1, False)
        for socket in (hers, her_phone, his):
            created = await expect(socket, "message.created")
            assert created["room"] == room
            assert (created["message"]["id"], created["message"]["body"]) == (id, "Hello, Боб 🌿")
        await hers.send("message.send", ref="2", room=room, id=id, body="Hello, Боб 🌿")
        assert (await expect(hers, "message.accepted", ref="2"))["duplicate"] is True
        await expect_silence(his, "message.created")


async def test_mallory_receives_nothing_and_gets_in_nowhere(
    service: EntreServer, names: tuple[str, str, str], person_at: Newcomer
) -> None:
    alice, bob, mallory = people_of(service, names, person_at)
    room = alice.open_chat_with(bob)
    for path in (f"/ws/chat/{room}/", "/ws/chat/dm-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"):
        with pytest.raises(Refused) as refusal:
            async with open_socket(mallory, path):
                pass
        assert refusal.value.status == 403
    async with open_socket(mallory) as hers:
        await expect(hers, "connection_established")
        assert alice.write(room, "between us").status_code == 201
        await hers.send("message.send", ref="1", room=room, id=str(uuid4()), body="let me in")
        assert (await expect(hers, "error", ref="1"))["code"] == "not_found"
        await expect_silence(hers, "message.created", "conversation.changed", "heads")


async def test_a_page_of_another_site_is_refused(
    daphne_server: EntreServer, names: tuple[str, str, str], person_at: Newcomer
) -> None:
    alice = person_at(daphne_server, names[0])
    for origin in (None, "null", "https://evil.example", daphne_server.address.replace("http:", "https:")):
        with pytest.raises(Refused) as refusal:
            async with open_socket(alice, origin=origin):
                pass
        assert refusal.value.status == 403


async def test_what_is_written_over_http_is_live_on_every_socket(
    service: EntreServer, names: tuple[str, str, str], person_at: Newcomer
) -> None:
    alice, bob, _ = people_of(service, names, person_at)
    room = alice.open_chat_with(bob)
    assert bob.open_chat_with(alice) == room
    async with open_socket(alice) as hers, open_socket(bob, f"/ws/chat/{room}/") as his:
        await expect(hers, "connection_established")
        await expect(his, "connection_established")
        assert bob.write(room, "over the API").status_code == 201
        id = str(uuid4())
        form = alice.post_form(f"/chats/{room}/", body="over the form", id=id)
        assert form.status_code == 303
        for socket in (hers, his):
            assert (await expect(socket, "message.created"))["message"]["body"] == "over the API"
            assert (await expect(socket, "message.created"))["message"]["id"] == id
