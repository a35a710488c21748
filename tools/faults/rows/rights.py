"""Rights that end while somebody is connected (protocol.md P9): every way, on a second device, while the other person keeps writing."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.rig.people import PASSWORD, Person
from tools.faults.figures import Figures
from tools.faults.keys import Keys
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.throng import bare_socket, own_rig
from tools.faults.world import World

TIMES = 50
OTHER_PASSWORD = "another horse battery"
PATIENCE_S = 30.0


class Watch:
    """A socket that remembers what it was told, and when and how it ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, object]] = []
        self.news = asyncio.Event()
        self.ended_at = float("inf")
        self.hearing = asyncio.ensure_future(self.hear())

    async def hear(self) -> None:
        try:
            while True:
                self.frames.append(json.loads(await self.socket.recv()))
                self.news.set()
        except ConnectionClosed:
            self.ended_at = time.monotonic()
            self.news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self.news.clear()
                await self.news.wait()

    def has(self, body: str) -> bool:
        return body in json.dumps(self.frames)

    @property
    def ending(self) -> tuple[object, int | None]:
        """The code of the `bye`, if one came, and that of the close."""
        return next(
            (frame["code"] for frame in self.frames if frame["type"] == "bye"), None
        ), self.socket.close_code

    async def leave(self) -> None:
        await self.socket.close()
        await self.hearing


class Scene:
    """alice on two devices, of which one loses its rights, and bob who writes to her."""

    def __init__(self, rig: Rig, keys: Keys, name: str) -> None:
        self.rig, self.keys, self.name = rig, keys, name
        self.password, self.other_password = PASSWORD, OTHER_PASSWORD
        self.staff = ""

    async def open(self) -> None:
        told = await self.keys.do("pair", username=self.name)
        self.id, self.room = told["id"], told["room"]
        self.bob = Watch(await bare_socket(self.rig, told["cookie"]))
        self.acting = await self.log_in()

    async def log_in(self) -> Person:
        person = Person(self.rig.address, self.name)
        await asyncio.to_thread(person.log_in, self.password)
        # The first page after it notes the device.
        await asyncio.to_thread(person.http.get, "/settings/devices/")
        return person

    async def say(self, body: str) -> None:
        id = str(uuid4())
        await self.bob.socket.send(
            json.dumps({"type": "message.send", "room": self.room, "id": id, "body": body})
        )
        # To somebody who is suspended it may be refused.
        await self.bob.until(
            lambda: any(
                frame["type"] in {"message.accepted", "error"} and frame.get("id") == id
                for frame in self.bob.frames
            )
        )
        self.bob.frames.clear()

    async def once(self, take: Take, stays: int | None, *, is_told: bool = True) -> float:
        """Take the rights of a device that has just shown a message.

        Args:
            take: answers with the moment of the commit.
            stays: the close code of alice's other device; None when it stays open and hears what is said next.
            is_told: the service knows of it at the commit, so nothing may be pushed from then on; else its own look, once a second, finds it.

        Returns:
            Seconds from the commit until the socket was closed.
        """
        target = await self.log_in()
        kept, lost = (
            Watch(await bare_socket(self.rig, self.acting.cookies)),
            Watch(await bare_socket(self.rig, target.cookies)),
        )
        await self.say("before")
        await lost.until(lambda: lost.has("before"))
        moment = await take(self, target)
        after = f"after {uuid4()}"
        await self.say(after)
        await lost.until(lambda: lost.ended_at < float("inf"))
        await kept.until(lambda: kept.has(after) if stays is None else kept.ended_at < float("inf"))
        if lost.ending != (4401, 4401) or (is_told and lost.has(after)):
            raise AssertionError(
                f"{self.name}: ended by {lost.ending}, {'heard' if lost.has(after) else 'not heard'} what came after"
            )
        if stays is not None and kept.ending != (stays, stays):
            raise AssertionError(f"{self.name}: the other device ended by {kept.ending}")
        await kept.leave()
        target.leave()
        return lost.ended_at - moment

    async def close(self) -> None:
        await self.bob.leave()
        self.acting.leave()


Take = Callable[[Scene, Person], Awaitable[float]]


async def log_out(scene: Scene, target: Person) -> float:
    return await pressed(target, "/accounts/logout/")


async def end_session(scene: Scene, target: Person) -> float:
    page = await asyncio.to_thread(scene.acting.http.get, "/settings/devices/")
    (device,) = re.findall(r'name="device" value="(\d+)"', page.text)
    return await pressed(scene.acting, "/settings/devices/", device=device)


async def end_others(scene: Scene, target: Person) -> float:
    return await pressed(scene.acting, "/settings/devices/", others="1")


async def change_password(scene: Scene, target: Person) -> float:
    scene.password, scene.other_password = scene.other_password, scene.password
    fields = {"oldpassword": scene.other_password, "password1": scene.password, "password2": scene.password}
    return await pressed(scene.acting, "/accounts/password/change/", **fields)


async def forget(scene: Scene, target: Person) -> float:
    """Straight out of the database, by another process that tells nobody."""
    key = next(cookie.value for cookie in target.http.cookies.jar if cookie.name.endswith("sessionid"))
    return float((await scene.keys.do("forget", key=key))["at"])


async def deactivate(scene: Scene, target: Person) -> float:
    moment = (await scene.keys.do("suspend", username=scene.name))["at"]
    return float(moment)


async def suspend(scene: Scene, target: Person) -> float:
    """By an administrator, on their page."""
    page = "/admin/accounts/user/"
    with Person(scene.rig.address, "root") as root:
        name, value = scene.staff.split("=", 1)
        root.http.cookies.set(name, value)
        return await pressed(root, page, action="suspend", _selected_action=str(scene.id))


async def pressed(person: Person, page: str, **fields: str) -> float:
    """Open a page and press a button on it. Returns when it was pressed, which is a little before the commit."""

    def press() -> tuple[float, httpx.Response]:
        filled = {**fields, "csrfmiddlewaretoken": person.csrf_token(page)}
        return time.monotonic(), person.http.post(
            page, data=filled, headers={"Referer": f"{person.address}{page}"}
        )

    moment, answer = await asyncio.to_thread(press)
    if answer.status_code not in {302, 303}:
        raise AssertionError(f"refused with {answer.status_code}")
    return moment


WAYS: dict[str, tuple[Take, int | None]] = {
    "logged out": (log_out, None),
    "session ended": (end_session, None),
    "all others ended": (end_others, None),
    "password changed": (change_password, 4012),
    "session gone from the database": (forget, None),
    "deactivated": (deactivate, 4401),
    "suspended": (suspend, 4401),
}


@row(
    "P9",
    rigs="SP",
    fault="rights that end while connected: every way 50 times",
    expected="`bye` and 4401 ≤ 3 s, nothing sent later arrives, other devices stay (after a change of password they return: 4012)",
)
async def rights_end(world: World) -> Figures:
    figures = Figures()
    async with own_rig(world, 1) as (rig, _), Keys(rig) as keys:
        root = await keys.do("staff", username="root")
        for number, (way, (take, stays)) in enumerate(WAYS.items()):
            scene = Scene(rig, keys, f"alice{number}")
            scene.staff = root["cookie"]
            await scene.open()
            waits = []
            for _ in range(world.times(TIMES, least=2)):
                waits.append(await scene.once(take, stays, is_told=take is not forget))
                if stays == 4401:
                    scene.acting.leave()
                    await keys.do("let in", username=scene.name)
                    scene.acting = await scene.log_in()
            figures.add(f"{way}: times", len(waits))
            figures.add("slowest end", max(waits), "s", goal=3)
            await scene.close()
    return figures
