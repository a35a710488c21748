"""`python -m benchmarks.tabs`: what a socket for each tab costs, and how soon devices and tabs agree
(docs/adr/0011).

The sockets behave as an idle tab does: greeted, one ping every 25 seconds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.meter import cpu_seconds
from tests.journeys.visitors import CHROMIUM_FLAGS, new_visitor, start_chat
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.people import Person
from tests.sockets import Closed, Socket, expect, open_socket

PEOPLE = 40
TABS = (1, 5, 15)
IDLE_S = 30.0
PING_S = 25.0
MESSAGES = 200
ROUNDS = 10
BADGE = "document.querySelector('[data-view=rows] [data-part=badge]:not([hidden])')"
HAS_ONE = f"() => {BADGE}?.textContent === '1'"
HAS_NONE = f"() => !{BADGE}"


def log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def behave_as_tab(socket: Socket, start_s: float) -> None:
    """Reads all frames, and pings; tabs ping at different moments."""

    async def read() -> None:
        try:
            while True:
                await socket.next(within=3_600)
        except (Closed, TimeoutError):
            return

    async def ping() -> None:
        await asyncio.sleep(start_s)
        while True:
            await socket.send("ping", visible=True)
            await asyncio.sleep(PING_S)

    pinging = asyncio.ensure_future(ping())
    try:
        await read()
    finally:
        pinging.cancel()


async def cost(server: EntreServer, people: list[Person], room: str) -> None:
    """From one tab for each user to fifteen; the difference is the price of a socket."""
    process = server.processes[0]
    assert process is not None
    before: tuple[int, int] | None = None
    async with AsyncExitStack() as stack:
        opened = 0
        for tabs in TABS:
            for person in people * (tabs - opened // len(people)):
                socket = await stack.enter_async_context(open_socket(person))
                await expect(socket, "connection_established")
                task = asyncio.ensure_future(
                    behave_as_tab(socket, PING_S * opened / (max(TABS) * len(people)))
                )
                stack.callback(task.cancel)
                opened += 1
            await asyncio.sleep(3)
            cpu, began = cpu_seconds([process.pid]), time.monotonic()
            await asyncio.sleep(IDLE_S)
            idle = (cpu_seconds([process.pid]) - cpu) / (time.monotonic() - began)
            memory = resident_kib(process.pid)
            each = (
                ""
                if before is None
                else f", {(memory - before[1]) / (opened - before[0]):5.1f} KiB for each more"
            )
            message = await cost_of_message(process.pid, people[0], room)
            log(
                f"{tabs:3} tabs for each user, {opened:4} sockets: {memory / 1024:6.1f} MiB{each};"
                f" idle {100 * idle:5.2f} % of a core; {message}"
            )
            before = (opened, memory)


async def cost_of_message(pid: int, writer: Person, room: str) -> str:
    """CPU of one message that goes to all tabs of two users."""
    cpu = cpu_seconds([pid])
    for number in range(MESSAGES):
        await asyncio.to_thread(writer.write, room, f"message {number}")
    return f"a message over HTTP {1000 * (cpu_seconds([pid]) - cpu) / MESSAGES:5.2f} ms of CPU"


def agreement(server: EntreServer) -> None:
    """Two devices of Alice with two tabs each: Bob writes, one tab reads; seconds until all four tabs show
    it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=programs.chromium(), args=CHROMIUM_FLAGS)
        desk, bob = (
            new_visitor(browser, server.address, name, name=name.capitalize()) for name in ("alice", "bob")
        )
        phone = new_visitor(browser, server.address, "alice", name="Alice", signed_up=False)
        phone.log_in()
        room = start_chat(desk, bob)
        reading = desk.page
        others: list[Page] = [desk.new_page(), phone.page, phone.new_page()]
        for page in others:
            page.goto("/chats/")
        unread, read = [], []
        for number in range(ROUNDS):
            reading.goto("/people/")
            desk.until_idle()
            began = time.monotonic()
            bob.person.write(room, f"message {number}")
            for page in others:
                page.wait_for_function(HAS_ONE, polling=5)
            unread.append(time.monotonic() - began)
            desk.open(room)
            began = time.monotonic()
            for page in others:
                page.wait_for_function(HAS_NONE, polling=5)
            read.append(time.monotonic() - began)
        for what, times in (
            ("unread, from the send", unread),
            ("read, from opening the chat", read),
        ):
            log(
                f"three other tabs agree about {what}: median {1000 * statistics.median(times):4.0f} ms,"
                f" longest {1000 * max(times):4.0f} ms"
            )
        for visitor in (desk, phone, bob):
            visitor.leave()
        browser.close()


def main() -> None:
    statics = SharedStatics()
    try:
        with EntreServer(statics, LIMITS="off", HEADS_EVERY_MS="25000") as server:
            people = [Person(server.address, f"person{number}") for number in range(PEOPLE)]
            for person in people:
                person.sign_up()
            room = people[0].open_chat_with(people[1])
            people[1].open_chat_with(people[0])
            asyncio.run(cost(server, people, room))
            agreement(server)
            for person in people:
                person.leave()
    finally:
        statics.remove()


if __name__ == "__main__":
    main()
