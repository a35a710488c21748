"""Everything that the five earlier systems could do works here: one test for each, (a) to (e)."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.environment import ROOT
from tests.rig.people import Person
from tests.rig.redis_server import RedisServer
from tests.sockets import Refused, expect, expect_silence, open_socket

PersonMaker = Callable[..., Person]


@pytest.fixture
def users(daphne_server: EntreServer, person_at: PersonMaker) -> tuple[Person, Person, Person]:
    """Alice, Bob and Mallory, with usernames of this test."""
    mark = uuid4().hex[:6]
    alice, bob, mallory = (person_at(daphne_server, f"{name}{mark}") for name in ("alice", "bob", "mallory"))
    return alice, bob, mallory


@contextmanager
def running_runserver(statics: SharedStatics) -> Iterator[EntreServer]:
    """A server started with `manage.py runserver`."""
    server = EntreServer(statics)
    try:
        server.manage("migrate", "--noinput", "--verbosity", "0")
        command = [sys.executable, "manage.py", "runserver", f"127.0.0.1:{server.ports[0]}", "--noreload"]
        with server.log_file(0).open("ab") as log:
            server.processes[0] = subprocess.Popen(
                command, cwd=ROOT, env=server.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        server.wait_until_it_answers(0)
        yield server
    finally:
        server.__exit__(None, None, None)


async def test_a_an_online_chat_over_redis_group_send_with_daphne_as_runserver(
    shared_scaled_server: EntreServer,
    shared_redis: RedisServer,
    person_at: PersonMaker,
    statics: SharedStatics,
) -> None:
    """(a) ProtocolTypeRouter for http and websocket, group_send through Redis, Daphne's `runserver`."""
    from channels.routing import ProtocolTypeRouter

    from dm_project.asgi import application

    assert isinstance(application, ProtocolTypeRouter)
    assert set(application.application_mapping) == {"http", "websocket"}

    mark = uuid4().hex[:6]
    alice, bob = (
        person_at(shared_scaled_server, f"alice{mark}"),
        person_at(shared_scaled_server, f"bob{mark}", process=1),
    )
    room = alice.open_chat_with(bob)
    assert bob.open_chat_with(alice) == room
    with redis.Redis.from_url(shared_redis.url) as client:
        listener = client.pubsub()
        listener.psubscribe("*")
        listener.get_message(timeout=10)
        async with open_socket(alice) as hers, open_socket(bob) as his:
            await expect(hers, "connection_established")
            await expect(his, "connection_established")
            await hers.send("message.send", room=room, id=str(uuid4()), body="through Redis")
            assert (await expect(his, "message.created"))["message"]["body"] == "through Redis"
        channels = set()
        while message := listener.get_message(timeout=1):
            channels.add(message["channel"])
        assert len([channel for channel in channels if b"user." in channel]) == 2, (
            "one publication for each user"
        )

    with running_runserver(statics) as runserver:
        carol = person_at(runserver, "carol")
        async with open_socket(carol) as socket:
            await expect(socket, "connection_established")
        assert "Daphne" in runserver.log()


async def test_b_requirements_sockets_by_room_name_and_a_link_for_two(
    daphne_server: EntreServer, users: tuple[Person, Person, Person]
) -> None:
    """(b) Pinned requirements, sockets at ws/chat/<room_name>, a personal link for two users."""
    pins = dict(
        re.findall(
            r"^([a-z0-9-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    for name in ("django", "channels", "daphne", "channels-redis"):
        assert version(name) == pins[name]

    alice, bob, mallory = users
    opened = alice.post_form(f"/chats/with/{bob.username}/")
    assert opened.status_code == 303
    chat = opened.headers["location"]
    room = chat.strip("/").split("/")[-1]
    assert alice.http.get(f"/chats/with/{bob.username}/").headers["location"] == chat
    assert bob.post_form(f"/chats/with/{alice.username}/").headers["location"] == chat, (
        "Bob's link leads to the same room"
    )
    assert mallory.post_form(f"/chats/with/{alice.username}/").headers["location"] != chat
    assert mallory.http.get(chat).status_code == 404
    async with open_socket(alice, f"/ws/chat/{room}/") as hers, open_socket(bob, f"/ws/chat/{room}/") as his:
        for socket in (hers, his):
            assert list((await expect(socket, "connection_established"))["rooms"]) == [room]
        await his.send("message.send", room=room, id=str(uuid4()), body="just us two")
        assert (await expect(hers, "message.created"))["message"]["body"] == "just us two"
    with pytest.raises(Refused):
        async with open_socket(mallory, f"/ws/chat/{room}/"):
            pass


async def test_c_django_sessions_on_sockets_and_the_greeting(
    daphne_server: EntreServer, users: tuple[Person, Person, Person]
) -> None:
    """(c) AuthMiddlewareStack: the session cookie is enough; the greeting is "You are now connected!"."""
    alice, bob, _ = users
    for person in (alice, bob):
        async with open_socket(person) as socket:
            greeting = await socket.next()
        assert (greeting["type"], greeting["message"]) == ("connection_established", "You are now connected!")
        assert greeting["user"]["username"] == person.username
    for cookies in ("", "sessionid=made-up"):
        with pytest.raises(Refused) as refusal:
            async with open_socket(alice, cookies=cookies):
                pass
        assert refusal.value.status == 403


async def test_d_strict_origin_redis_by_compose_and_stored_before_published(
    daphne_server: EntreServer, users: tuple[Person, Person, Person]
) -> None:
    """(d) A strict Origin check, Redis by compose, a channel per connection, stored before published."""
    alice, bob, _ = users
    port = urlsplit(alice.address).port
    for origin in (
        f"https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        f"http://localhost:{port}",
        "https://evil.example",
    ):
        with pytest.raises(Refused) as refusal:
            async with open_socket(alice, origin=origin):
                pass
        assert refusal.value.status == 403, "an allowed host with another scheme or port is another origin"
    compose = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    assert re.search(r"^  redis:\n    image: (redis|valkey)", compose, re.MULTILINE)
    assert re.search(r"^      REDIS_URL: redis://\S.*@redis:6379", compose, re.MULTILINE), (
        "the compose file names Redis with a password"
    )

    room = alice.open_chat_with(bob)
    async with open_socket(alice) as phone, open_socket(alice) as laptop:
        for socket in (phone, laptop):
            await expect(socket, "connection_established")
        await phone.send("ping")
        await expect(phone, "pong")
        saved = alice.post_form(f"/chats/{room}/", body="saved first", id=str(uuid4()))
        assert saved.status_code == 303
        for socket in (phone, laptop):
            assert (await expect(socket, "message.created"))["message"]["body"] == "saved first"
        await expect_silence(laptop, "pong")
    stored = bob.api("GET", f"/conversations/{room}/messages").json()["items"]
    assert [message["body"] for message in stored] == ["saved first"]


async def test_e_an_index_of_people_a_chat_page_and_several_sockets(
    daphne_server: EntreServer, users: tuple[Person, Person, Person]
) -> None:
    """(e) A page to choose a person, a chat page with messages, several sockets that all receive."""
    alice, bob, _ = users
    index = alice.http.get(f"/people/?q={bob.username}").text
    assert f"/chats/with/{bob.username}/" in index
    room = (
        alice.post_form("/people/", to=f"/chats/with/{bob.username}/")
        .headers["location"]
        .strip("/")
        .split("/")[-1]
    )
    alice.write(room, "stands on the page")
    for person in (alice, bob):
        assert "stands on the page" in person.http.get(f"/chats/{room}/").text
    path = f"/ws/chat/{room}/"
    async with (
        open_socket(alice, path) as one,
        open_socket(alice, path) as two,
        open_socket(bob, path) as three,
        open_socket(bob, path) as four,
    ):
        sockets = (one, two, three, four)
        for socket in sockets:
            await expect(socket, "connection_established")
        await three.send("message.send", room=room, id=str(uuid4()), body="to every one of us")
        for socket in sockets:
            assert (await expect(socket, "message.created"))["message"]["body"] == "to every one of us"
