"""Networks and devices: silent connections, sleeping laptops, one send over many transports, wrong clocks."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tools.faults.client import Device
from tools.faults.crowd import until
from tools.faults.figures import Figures
from tools.faults.history import percentile
from tools.faults.proxy import BACK, FORWARD
from tools.faults.rows import row
from tools.faults.world import World

CSRF = "f" * 32
HEARTBEAT_S = 25.0
FREED_S, SUSPECT_S = 60.0, 45.0


@row(
    "F15",
    rigs="SP",
    fault="one send 100 times at once over 10 sockets and HTTP",
    expected="one row, one seq, 100 equal acks",
)
async def sent_a_hundred_times(world: World) -> Figures:
    """That there is one row is checked by the column `duplicate`."""
    figures = Figures()
    acks, equal = 0, 0
    for number in range(world.times(20)):
        found = await send_everywhere(world, number)
        acks += len(found)
        equal += len(found) if len(set(found)) == 1 else 0
    figures.add("acks", acks, goal=100 * world.times(20), at_least=True)
    figures.add("equal acks", equal, goal=100 * world.times(20), at_least=True)
    return figures


async def send_everywhere(world: World, number: int) -> list[int]:
    """The seqs in the replies to one hundred attempts of one send."""
    conversation = world.rng.choice(world.crowd.conversations)
    person, room, address = conversation["people"][0], conversation["room"], world.rig.address
    id, body, name = (
        str(UUID(int=world.rng.getrandbits(128), version=4)),
        f"everywhere {number}",
        f"{person['username']}.everywhere-{number}",
    )
    world.history.invoked(id=id, room=room, device=name, digest=hash(body), at=time.monotonic())
    headers = {"Cookie": f"{person['cookies'][0]}; csrftoken={CSRF}", "X-CSRFToken": CSRF, "Origin": address}

    async def read_over_socket(socket: ClientConnection) -> list[int]:
        for _ in range(9):
            await socket.send(json.dumps({"type": "message.send", "room": room, "id": id, "body": body}))
        seqs: list[int] = []
        while len(seqs) < 9:
            frame = json.loads(await socket.recv())
            if frame["type"] == "message.accepted" and frame["id"] == id:
                seqs.append(frame["seq"])
        return seqs

    async def read_over_http(http: httpx.AsyncClient) -> list[int]:
        answer = await http.post(f"/api/v1/conversations/{room}/messages", json={"id": id, "body": body})
        return [answer.json()["message"]["seq"]] if answer.is_success else []

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        url = f"{address.replace('http', 'ws', 1)}/ws/"
        sockets = [await greeted(stack, url, headers) for _ in range(10)]
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False)
        )
        found = await asyncio.gather(
            *map(read_over_socket, sockets), *(read_over_http(http) for _ in range(10))
        )
    seqs = [seq for some in found for seq in some]
    for seq in set(seqs):
        world.history.accepted(
            device=name, connection=0, id=id, seq=seq, duplicate=False, at=time.monotonic(), waited=None
        )
    return seqs


async def greeted(stack: AsyncExitStack, url: str, headers: dict[str, str]) -> ClientConnection:
    """Connect again when the server closes the socket for load."""
    while True:
        socket = await stack.enter_async_context(
            connect(url, additional_headers=headers, proxy=None, max_queue=None)
        )
        if json.loads(await socket.recv())["type"] != "bye":
            return socket
        await asyncio.sleep(1)


@row(
    "F16",
    rigs="SP",
    fault="two tabs and two devices of one account write, edit, delete, react and read at once; one leaves",
    expected="identical screens ≤ 2 s after quiet and return",
)
async def many_screens(world: World) -> Figures:
    figures, crowd = Figures(), world.crowd
    conversation = crowd.conversations[-1]
    extra = [
        crowd.add_device(conversation["room"], conversation["people"][0], number, path=path)
        for number in (0, 1)
        for path in ("/ws/", f"/ws/chat/{conversation['room']}/")
    ]
    for number, device in enumerate(extra):
        device.name = f"{device.name}-screen-{number}"
        crowd.start(device.live())
    await crowd.all_live(30)
    seconds = world.lasting(20, least=3)
    with world.changing(figures):
        extra[-1].go_away(seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await crowd.act(world.rng.choice(extra[:-1]))
            await asyncio.sleep(world.rng.uniform(0, 0.05))
        crowd.is_writing = False
        await crowd.all_live(30)
        await until(lambda: not any(device.outbox for device in extra), 30)
    quiet = time.monotonic()
    screens = [device for device in crowd.devices if conversation["room"] in device.views]
    same = await until(
        lambda: len({device.views[conversation["room"]].cursor for device in screens}) == 1, 40, 0.01
    )
    figures.add("screens", len(screens))
    figures.add("identical after", time.monotonic() - quiet if same else float("inf"), "s", goal=2)
    await crowd.settle()
    shown = [world.history.screens[device.name, conversation["room"]].messages for device in screens]
    different = sum(screen != shown[0] for screen in shown)
    figures.add("screens that differ", different, goal=0)
    if different:
        world.history.findings.add(
            "order", f"{different} of {len(shown)} screens of one room differ", different
        )
    for device in extra:
        await crowd.remove_device(device)
    return figures


@row(
    "F18",
    rigs="SP",
    fault="the network forwards nothing for 120 s, no FIN: both directions, then each alone",
    expected="the server frees ≤ 60 s; clients suspect ≤ 45 s",
)
async def silent_network(world: World) -> Figures:
    figures, rig = Figures(), world.rig
    for name, directions in (
        ("both directions", (FORWARD, BACK)),
        ("to the server", (FORWARD,)),
        ("to the clients", (BACK,)),
    ):
        world.refresh()
        await world.crowd.all_live(60)
        seconds = world.lasting(120, least=90)
        began = time.monotonic()
        held = open_connections(rig.server.ports)
        rig.freeze_connections(*directions)
        # Later connections are new attempts of clients, which are silent as well.
        is_free = await until(lambda held=held: not held & open_connections(rig.server.ports), seconds, 0.2)
        freed = time.monotonic() - began
        await asyncio.sleep(max(0.0, seconds - freed))
        suspected = [max(device.suspected, default=0.0) - began for device in world.crowd.devices]
        figures.add(f"{name}: suspected by the last client after", max(suspected), "s", goal=SUSPECT_S)
        figures.add(
            f"{name}: freed by the server after", freed if is_free else float("inf"), "s", goal=FREED_S
        )
        rig.thaw_connections()
        await world.back(figures, time.monotonic(), goal=45, within=90)
    return figures


def open_connections(ports: list[int]) -> set[str]:
    """Remote ends of connections that the servers still hold, from the kernel's table (Linux)."""
    wanted = {f"{port:04X}" for port in ports}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return {fields[2] for fields in rows if fields[1].partition(":")[2] in wanted and fields[3] == "01"}


@row("F19", rigs="SP", fault="laptops sleep for 10 min", expected="back ≤ 5 s after waking")
async def asleep(world: World) -> Figures:
    figures = Figures()
    sleepers = world.rng.sample(world.crowd.writers, max(1, len(world.crowd.writers) // 4))
    seconds = world.lasting(600, least=10)
    await asyncio.gather(*(device.sleep_for(seconds) for device in sleepers))
    woke = time.monotonic()
    await until(lambda: all(device.is_live and device.pong_by is None for device in sleepers), 60)
    # A connection that survived the sleep has caught up when its first pong has come.
    backs = sorted(woke_after(device, woke) for device in sleepers)
    figures.add("asleep", seconds, "s")
    figures.add("back p99", percentile(backs, 0.99), "s", goal=5)
    return figures


def woke_after(device: Device, woke: float) -> float:
    return max(0.0, device.live_at - woke) if device.is_live else float("inf")


@row(
    "F17",
    rigs="SP",
    fault="the server's clock jumps by an hour and by a day, both ways",
    expected="order unchanged, displayed times never decrease (these devices use no clock of theirs)",
)
async def skewed_clocks(world: World) -> Figures:
    figures, began = Figures(), time.monotonic()
    for seconds in (3_600, -3_600, 86_400, -86_400, 0):
        world.rig.set_hook("clock", str(seconds))
        await asyncio.sleep(world.lasting(20, least=1))
    world.rig.set_hook("clock")
    world.speeds(figures, began)
    return figures


# --- The proxy in front ---

IDLE_S = 60.0


@row(
    "F32",
    rigs="P",
    fault="a proxy (ours, no TLS) that ends connections idle for 60 s, over two minutes; then 3 reloads",
    expected="pings keep idle connections alive; reload as F3: 99 % LIVE ≤ 15 s",
)
async def idle_proxy(world: World) -> Figures:
    figures, crowd = Figures(), world.crowd
    crowd.is_writing = False
    began = time.monotonic()
    cutting = asyncio.ensure_future(world.rig.proxy.cut_idle(IDLE_S))
    await asyncio.sleep(world.lasting(2 * IDLE_S, least=IDLE_S + 10))
    cutting.cancel()
    figures.add("connections lost while idle", len(crowd.endings_since(began)), goal=0)
    crowd.is_writing = True
    for _ in range(3):
        await world.calm(2)
        world.refresh()
        began = time.monotonic()
        await world.rig.proxy.reload()
        await until(lambda: crowd.live_share < 0.1, 10, 0.01)
        await world.back(figures, began, goal=15, name="back after a reload")
    return figures
