"""`python -m benchmarks.files`: what files cost the server: memory of large ones, and messages beside many.

- A file of 100 MiB, sent in parts and read slowly: resident memory before, and the most that there was.
- One of 90 MB over a line that breaks ten times.
- 200 uploads at once beside people who write: how long their messages wait, and how long without uploads.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect

from tests.rig import files
from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.people import NO_TLS, Person

MEBIBYTE = 1024 * 1024
LARGE, BREAKING = 100 * MEBIBYTE, 90_000_000
BREAKS, PIECES = 10, 200
WRITERS, MESSAGES_PER_S = 20, 40
UPLOADERS, UPLOADS, UPLOAD_BYTES = 10, 200, 3 * MEBIBYTE


def memory(server: EntreServer, name: str) -> float:
    """Mebibytes; VmRSS is now, VmHWM the most since `forget_peak`."""
    process = server.processes[0]
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def forget_peak(server: EntreServer) -> float:
    """Returns the memory now."""
    process = server.processes[0]
    assert process is not None
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    return memory(server, "VmRSS")


def processor_time(server: EntreServer) -> float:
    """Seconds, of all threads of the server, so far."""
    process = server.processes[0]
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(name: str, value: str) -> None:
    sys.stdout.write(f"{name:<46} {value}\n")
    sys.stdout.flush()


def slowly(parts: Iterator[bytes]) -> str:
    """Digest of a download whose reader rests for a second at its beginning."""
    found = hashlib.sha256()
    for number, part in enumerate(parts):
        found.update(part)
        if number == 20:
            time.sleep(1)
    return found.hexdigest()


def large_file(server: EntreServer, alice: Person, bob: Person, room: str) -> None:
    data = files.bytes_of(LARGE)
    expected = hashlib.sha256(data).hexdigest()
    before, began = forget_peak(server), processor_time(server)
    sent = files.upload(alice, data)
    say("100 MiB in parts: MiB before, at most", f"{before:.1f} {memory(server, 'VmHWM'):.1f}")
    milliseconds = (processor_time(server) - began) * 1_000 / (LARGE // files.PART)
    say("CPU a part of 1 MiB", f"{milliseconds:.1f} ms")
    files.send_files(alice, room, sent["id"])
    before, began = forget_peak(server), processor_time(server)
    got = slowly(files.read_slowly(bob, f"/files/{sent['id']}/film.bin"))
    say("the same read slowly: MiB before, at most", f"{before:.1f} {memory(server, 'VmHWM'):.1f}")
    say("CPU of the download", f"{(processor_time(server) - began) * 1_000:.0f} ms")
    say("byte for byte", str(got == expected))
    began = processor_time(server)
    for _ in range(PIECES):
        bob.http.get(f"/files/{sent['id']}/film.bin", headers={"Range": "bytes=0-99"})
    say("CPU a piece of 100 bytes", f"{(processor_time(server) - began) * 1_000 / PIECES:.1f} ms")


def breaking_line(server: EntreServer, alice: Person, bob: Person, room: str) -> None:
    """Each break ends the connection within a part, and the client asks where to go on."""
    data = files.bytes_of(BREAKING, seed=2)
    rng = random.Random(3)
    breaks = sorted(rng.randrange(BREAKING) for _ in range(BREAKS))
    before = forget_peak(server)
    id = files.announce(alice, len(data)).json()["id"]
    offset, repeated = 0, 0
    while True:
        part = data[offset : offset + files.PART]
        if breaks and breaks[0] < offset + len(part):
            files.cut_part(alice, id, offset, part, after=max(0, breaks.pop(0) - offset))
            repeated += 1
            offset = files.offset_at(alice, id)
            continue
        answer = files.send_part(alice, id, offset, part)
        if answer.status_code == 200:
            break
        offset = int(answer.headers["Upload-Offset"])
    files.send_files(alice, room, id)
    peak = memory(server, "VmHWM")
    got = bob.http.get(f"/files/{id}/film.bin").content
    count = len(
        [
            each
            for each in history(bob, room)
            if each["attachments"][:1] and each["attachments"][0]["id"] == id
        ]
    )
    say(f"90 MB, {repeated} breaks: MiB before, at most", f"{before:.1f} {peak:.1f}")
    say("arrived, byte for byte", f"{count} time(s), {got == data}")


def history(person: Person, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.api("GET", f"/conversations/{room}/messages").json()["items"]
    return found


async def acknowledgements(pairs: list[tuple[Person, str]], stop: asyncio.Event) -> list[float]:
    """Seconds from each send to its acknowledgement, by the clock of the sender."""
    found: list[float] = []

    async def write(person: Person, room: str) -> None:
        url = person.address.replace("http", "ws", 1) + f"/ws/chat/{room}/"
        headers = {"Cookie": person.cookies, "Origin": person.address}
        async with connect(url, additional_headers=headers, compression=None) as socket:
            await socket.recv()
            while not stop.is_set():
                ref, began = uuid4().hex, time.perf_counter()
                command = {
                    "type": "message.send",
                    "ref": ref,
                    "room": room,
                    "id": str(uuid4()),
                    "body": "hello",
                }
                await socket.send(json.dumps(command))
                while json.loads(await socket.recv()).get("ref") != ref:
                    pass
                found.append(time.perf_counter() - began)
                await asyncio.sleep(len(pairs) / MESSAGES_PER_S)

    await asyncio.gather(*(write(*pair) for pair in pairs))
    return found


async def uploads(people: list[Person]) -> tuple[int, float]:
    """All at once. Returns how many ended, and in how many seconds."""
    data = files.bytes_of(UPLOAD_BYTES, seed=5)
    limits = httpx.Limits(max_connections=UPLOADS)
    began = time.perf_counter()

    async def one(client: httpx.AsyncClient, person: Person) -> bool:
        common = {"Cookie": person.cookies, "Origin": person.address, **files.token_of(person)}
        body = {"id": str(uuid4()), "name": "photo.bin", "size": len(data), "kind": "file"}
        answer = await client.post("/api/v1/attachments", json=body, headers=common)
        for offset in range(0, len(data), files.PART):
            part = {**common, "Upload-Offset": str(offset), "Content-Type": files.PART_TYPE}
            answer = await client.patch(
                f"/api/v1/attachments/{body['id']}", content=data[offset : offset + files.PART], headers=part
            )
        return answer.status_code == 200

    async with httpx.AsyncClient(
        base_url=people[0].address, timeout=120, verify=NO_TLS, limits=limits
    ) as client:
        done = await asyncio.gather(*(one(client, people[n % len(people)]) for n in range(UPLOADS)))
    return sum(done), time.perf_counter() - began


def uploads_of_a_process(people: list[Person]) -> tuple[int, float]:
    """In a process of their own: the clock of those who write must not wait for who uploads."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(asyncio.run(uploads(people))))
    process.start()
    sender.close()
    found: tuple[int, float] = receiver.recv()
    process.join()
    return found


async def beside_writers(server: EntreServer, people: list[Person], pairs: list[tuple[Person, str]]) -> None:
    for name in ("alone", "beside 200 uploads"):
        stop = asyncio.Event()
        writing = asyncio.create_task(acknowledgements(pairs, stop))
        await asyncio.sleep(2)
        before = forget_peak(server)
        if name == "alone":
            await asyncio.sleep(8)
        else:
            ended, seconds = await asyncio.to_thread(uploads_of_a_process, people)
            say("200 uploads of 3 MiB at once", f"{ended} ended in {seconds:.1f} s")
            say("MiB before, at most", f"{before:.1f} {memory(server, 'VmHWM'):.1f}")
        stop.set()
        found = sorted(await writing)
        figures = statistics.median(found), found[int(len(found) * 0.99)], found[-1]
        shown = " ".join(f"{seconds * 1000:.0f}" for seconds in figures)
        say(f"acknowledgements {name}: p50, p99, most", f"{shown} ms of {len(found)}")


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.files", description=__doc__).parse_args()
    with ExitStack() as stack:
        statics = SharedStatics()
        stack.callback(statics.remove)
        server = stack.enter_context(EntreServer(statics, LIMITS="off"))
        people = []
        for number in range(WRITERS):
            person = stack.enter_context(Person(server.address, f"writer{number}"))
            person.sign_up()
            people.append(person)
        pairs = []
        for one, other in zip(people[::2], people[1::2], strict=True):
            room = one.open_chat_with(other)
            one.write(room, "hello")
            pairs += [(one, room), (other, room)]
        files.upload(people[0], files.bytes_of(2 * files.PART))
        large_file(server, people[0], people[1], pairs[0][1])
        breaking_line(server, people[0], people[1], pairs[0][1])
        asyncio.run(beside_writers(server, people[:UPLOADERS], pairs))


if __name__ == "__main__":
    main()
