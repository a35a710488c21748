"""Revocation while connected (docs/protocol.md P9): each cause, with two devices, while the peer keeps
writing."""

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
from tools.faults.admin_process import AdminProcess
from tools.faults.figures import Figures
from tools.faults.probes import bare_socket, own_rig
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.world import World

TIMES = 50
OTHER_PASSWORD = "another horse battery"
TIMEOUT_S = 30.0


class WatchedSocket:
    """A socket that records its frames, and when and how it ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, object]] = []
        self.news = asyncio.Event()
        self.ended_at = float("inf")
        self.receiving = asyncio.ensure_future(self.receive())

    async def receive(self) -> None:
        try:
            while True:
                self.frames.append(json.loads(await self.socket.recv()))
                self.news.set()
        except ConnectionClosed:
            self.ended_at = time.monotonic()
            self.news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so():
                self.news.clear()
                await self.news.wait()

    def has(self, body: str) -> bool:
        return body in json.dumps(self.frames)

    @property
    def ending(self) -> tuple[object, int | None]:
        """The code of the `bye`, if any, and the close code."""
        return next(
            (frame["code"] for frame in self.frames if frame["type"] == "bye"), None
        ), self.socket.close_code

    async def leave(self) -> None:
        await self.socket.close()
        await self.receiving


class Scenario:
    """alice on two devices, one of which is revoked, and bob, who writes to her."""

    def __init__(self, rig: Rig, keys: AdminProcess, name: str) -> None:
        self.rig, self.keys, self.name = rig, keys, name
        self.password, self.other_password = PASSWORD, OTHER_PASSWORD
        self.staff = ""

    async def open(self) -> None:
        pair = await self.keys.do("pair", username=self.name)
        self.id, self.room = pair["id"], pair["room"]
        self.bob = WatchedSocket(await bare_socket(self.rig, pair["cookie"]))
        self.acting = await self.log_in()

    async def log_in(self) -> Person:
        person = Person(self.rig.address, self.name)
        await asyncio.to_thread(person.log_in, self.password)
        # The first page after it records the device.
        await asyncio.to_thread(person.http.get, "/settings/devices/")
        return person

    async def write(self, body: str) -> None:
        id = str(uuid4())
        await self.bob.socket.send(
            json.dumps({"type": "message.send", "room": self.room, "id": id, "body": body})
        )
        # To a suspended user it may be refused.
        await self.bob.until(
            lambda: any(
                frame["type"] in {"message.accepted", "error"} and frame.get("id") == id
                for frame in self.bob.frames
            )
        )
        self.bob.frames.clear()

    async def once(self, take: Revocation, stays: int | None, *, is_announced: bool = True) -> float:
        """Revoke a device that has just shown a message.

        Args:
            take: revokes, and returns the moment of the commit. stays: the close code of alice's other
            device; None when it stays open and receives the next message. is_announced: the service knows
            at the commit and may push nothing after it; else its poll finds out.

        Returns:
            Seconds from the commit until the socket was closed.
        """
        target = await self.log_in()
        kept, lost = (
            WatchedSocket(await bare_socket(self.rig, self.acting.cookies)),
            WatchedSocket(await bare_socket(self.rig, target.cookies)),
        )
        await self.write("before")
        await lost.until(lambda: lost.has("before"))
        moment = await take(self, target)
        after = f"after {uuid4()}"
        await self.write(after)
        await lost.until(lambda: lost.ended_at < float("inf"))
        await kept.until(lambda: kept.has(after) if stays is None else kept.ended_at < float("inf"))
        if lost.ending != (4401, 4401) or (is_announced and lost.has(after)):
            raise AssertionError(
                f"{self.name}: ended by {lost.ending},"
                f" {'received' if lost.has(after) else 'did not receive'} the next message"
            )
        if stays is not None and kept.ending != (stays, stays):
            raise AssertionError(f"{self.name}: the other device ended by {kept.ending}")
        await kept.leave()
        target.leave()
        return lost.ended_at - moment

    async def close(self) -> None:
        await self.bob.leave()
        self.acting.leave()


Revocation = Callable[[Scenario, Person], Awaitable[float]]


async def log_out(scene: Scenario, target: Person) -> float:
    return await pressed(target, "/accounts/logout/")


async def end_session(scene: Scenario, target: Person) -> float:
    page = await asyncio.to_thread(scene.acting.http.get, "/settings/devices/")
    (device,) = re.findall(r'name="device" value="([^"]+)"', page.text)
    return await pressed(scene.acting, "/settings/devices/", device=device)


async def end_others(scene: Scenario, target: Person) -> float:
    return await pressed(scene.acting, "/settings/devices/", others="1")


async def change_password(scene: Scenario, target: Person) -> float:
    scene.password, scene.other_password = scene.other_password, scene.password
    fields = {"oldpassword": scene.other_password, "password1": scene.password, "password2": scene.password}
    return await pressed(scene.acting, "/accounts/password/change/", **fields)


async def forget(scene: Scenario, target: Person) -> float:
    """Deleted in the database by another process, without a signal."""
    key = next(cookie.value for cookie in target.http.cookies.jar if cookie.name.endswith("sessionid"))
    return float((await scene.keys.do("forget", key=key))["at"])


async def deactivate(scene: Scenario, target: Person) -> float:
    moment = (await scene.keys.do("suspend", username=scene.name))["at"]
    return float(moment)


async def suspend(scene: Scenario, target: Person) -> float:
    """By an administrator, in the admin pages."""
    page = "/admin/accounts/user/"
    with Person(scene.rig.address, "root") as root:
        name, value = scene.staff.split("=", 1)
        root.http.cookies.set(name, value)
        return await pressed(root, page, action="suspend", _selected_action=str(scene.id))


async def pressed(person: Person, page: str, **fields: str) -> float:
    """Open a page and submit its form. Returns the moment of the request, a little before the commit."""

    def press() -> tuple[float, httpx.Response]:
        filled = {**fields, "csrfmiddlewaretoken": person.csrf_token(page)}
        return time.monotonic(), person.http.post(
            page, data=filled, headers={"Referer": f"{person.address}{page}"}
        )

    moment, answer = await asyncio.to_thread(press)
    if answer.status_code not in {302, 303}:
        raise AssertionError(f"refused with {answer.status_code}")
    return moment


REVOCATIONS: dict[str, tuple[Revocation, int | None]] = {
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
    fault="access revoked while connected: each cause 50 times",
    expected="`bye` and 4401 ≤ 3 s, nothing sent later arrives, other devices stay (password change: 4012)",
)
async def rights_end(world: World) -> Figures:
    figures = Figures()
    async with own_rig(world, 1) as (rig, _), AdminProcess(rig) as keys:
        root = await keys.do("staff", username="root")
        for number, (cause, (take, stays)) in enumerate(REVOCATIONS.items()):
            scene = Scenario(rig, keys, f"alice{number}")
            scene.staff = root["cookie"]
            await scene.open()
            waits = []
            for _ in range(world.times(TIMES, least=2)):
                waits.append(await scene.once(take, stays, is_announced=take is not forget))
                if stays == 4401:
                    scene.acting.leave()
                    await keys.do("let in", username=scene.name)
                    scene.acting = await scene.log_in()
            figures.add(f"{cause}: times", len(waits))
            figures.add("slowest end", max(waits), "s", goal=3)
            await scene.close()
    return figures
