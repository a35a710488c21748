"""Files on a real server: memory stays flat, broken lines and killed servers lose and leave nothing."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import ServerMaker
from tests.rig import files
from tests.rig.broken_file import full_disk
from tests.rig.daphne_server import EntreServer
from tests.rig.people import Person

Newcomer = Callable[..., Person]
MEBIBYTE = 1024 * 1024
LARGE = 40 * MEBIBYTE


def peak_of(server: EntreServer) -> int:
    """The most that was ever in memory, in bytes."""
    return status_of(server, "VmHWM")


def status_of(server: EntreServer, name: str) -> int:
    process = server.processes[0]
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def forget_peak(server: EntreServer) -> None:
    process = server.processes[0]
    assert process is not None
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


def stored(server: EntreServer) -> list[Path]:
    return [path for path in (server.data_folder / "attachments").rglob("*") if path.is_file()]


def test_a_large_file_passes_through_little_memory(start_server: ServerMaker, person_at: Newcomer) -> None:
    """Also to a client that reads slowly, whose download must not be kept in memory for it."""
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    files.upload(alice, files.bytes_of(2 * files.PART))
    data = files.bytes_of(LARGE)
    forget_peak(server)
    before = status_of(server, "VmRSS")
    sent = files.upload(alice, data)
    assert files.send_files(alice, room, sent["id"]).status_code == 201
    found = hashlib.sha256()
    for number, part in enumerate(files.read_slowly(bob, f"/files/{sent['id']}/film.bin")):
        found.update(part)
        if number == 3:
            # The server has sent what the systems between buffer, and waits now. Pages are served meanwhile.
            assert alice.http.get("/chats/").status_code == 200
    assert found.hexdigest() == hashlib.sha256(data).hexdigest()
    assert peak_of(server) - before < 24 * MEBIBYTE


def test_a_file_in_one_form_passes_through_little_memory(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(LIMITS="off")
    alice = person_at(server, "alice")
    data = files.bytes_of(8 * MEBIBYTE)

    def send() -> None:
        answer = alice.http.post(
            "/api/v1/attachments", files={"file": ("film.bin", data)}, headers=files.token_of(alice)
        )
        assert answer.status_code == 201

    send()
    forget_peak(server)
    before = status_of(server, "VmRSS")
    for _ in range(5):
        send()
    assert peak_of(server) - before < 32 * MEBIBYTE


def test_a_line_that_breaks_in_every_part_brings_the_file_once_and_unchanged(
    daphne_server: EntreServer, person_at: Newcomer
) -> None:
    alice, bob = person_at(daphne_server, "breaking"), person_at(daphne_server, "waiting")
    room = alice.open_chat_with(bob)
    data = files.bytes_of(10 * files.PART + 123)
    id = files.announce(alice, len(data)).json()["id"]
    rng = random.Random(7)
    sent: dict[str, Any] = {}
    while not sent:
        offset = files.offset_at(alice, id)
        part = data[offset : offset + files.PART]
        files.cut_part(
            alice, id, offset, part, after=rng.choice((0, len(part) // 2, len(part) - 1, len(part)))
        )
        offset = files.offset_at(alice, id)
        answer = files.send_part(alice, id, offset, data[offset : offset + files.PART])
        assert answer.status_code in {200, 204}, answer.text
        sent = answer.json() if answer.status_code == 200 else {}
    assert files.send_files(alice, room, sent["id"]).status_code == 201
    assert bob.http.get(f"/files/{id}/film.bin").content == data
    assert len(bob.api("GET", f"/conversations/{room}/messages").json()["items"]) == 1


def test_killed_while_uploading_nothing_is_lost_and_nothing_is_left(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    """kill -9 at random moments; then each upload goes on where it was, and the sweep finds no orphan."""
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    rng = random.Random(11)
    wanted: dict[str, bytes] = {}
    for number in range(6):
        data = files.bytes_of(3 * files.PART + number, seed=number)
        id = files.announce(alice, len(data)).json()["id"]
        wanted[id] = data
        killer = threading.Timer(rng.random() * 0.15, server.stop, (0, signal.SIGKILL))
        killer.start()
        try:
            while (answer := push_on(alice, id, data)).status_code != 200:
                pass
        except httpx.TransportError:
            killer.join()
            server.start()
            while (answer := push_on(alice, id, data)).status_code != 200:
                pass
        killer.cancel()
        killer.join()
        if server.processes[0] is None:
            server.start()
        assert answer.json()["id"] == id
    for id in wanted:
        assert files.send_files(alice, room, id).status_code == 201
    for id, data in wanted.items():
        assert bob.http.get(f"/files/{id}/film.bin").content == data
    files.announce(alice, 10)
    server.stop()
    server.manage("sweepfiles", "--minutes", "0")
    assert len(stored(server)) == len(wanted)
    assert "Traceback" not in server.log()


def push_on(person: Person, id: str, data: bytes) -> httpx.Response:
    """Ask where to go on, and send the next part."""
    offset = files.offset_at(person, id)
    return files.send_part(person, id, offset, data[offset : offset + files.PART])


def test_a_full_disk_refuses_parts_and_loses_none(start_server: ServerMaker, person_at: Newcomer) -> None:
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    data = files.bytes_of(2 * files.PART)
    id = files.announce(alice, len(data)).json()["id"]
    files.send_part(alice, id, 0, data[: files.PART])
    old = files.upload(alice, b"old file")
    files.send_files(alice, room, old["id"])
    process = server.processes[0]
    assert process is not None
    with full_disk(process.pid):
        refused = files.send_part(alice, id, files.PART, data[files.PART :])
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_full")
        assert "Retry-After" in refused.headers
        refused = files.announce(alice, 10)
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_full")
        assert files.offset_at(alice, id) == files.PART
        assert bob.http.get(f"/files/{old['id']}/film.bin").content == b"old file"
    assert files.send_part(alice, id, files.PART, data[files.PART :]).status_code == 200
    assert files.send_files(alice, room, id).status_code == 201
    assert bob.http.get(f"/files/{id}/film.bin").content == data
    assert "Traceback" not in server.log()


def test_stored_files_are_private(daphne_server: EntreServer, person_at: Newcomer) -> None:
    alice = person_at(daphne_server, "careful")
    files.upload(alice, b"hello")
    root = daphne_server.data_folder / "attachments"
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_download_that_is_given_up_frees_its_file(daphne_server: EntreServer, person_at: Newcomer) -> None:
    alice, bob = person_at(daphne_server, "quitter"), person_at(daphne_server, "reader")
    room = alice.open_chat_with(bob)
    sent = files.upload(alice, files.bytes_of(12 * MEBIBYTE))
    files.send_files(alice, room, sent["id"])
    process = daphne_server.processes[0]
    assert process is not None

    def open_files() -> list[str]:
        folder = Path(f"/proc/{process.pid}/fd")
        names = []
        for entry in folder.iterdir():
            try:
                names.append(os.readlink(entry))
            except OSError:
                continue
        return [name for name in names if "/attachments/" in name]

    reading = files.read_slowly(bob, f"/files/{sent['id']}/film.bin")
    next(reading)
    next(reading)
    assert open_files()
    reading.close()
    deadline = time.monotonic() + 60
    while open_files():
        assert time.monotonic() < deadline, "the file stays open"
        time.sleep(0.05)


def test_slow_downloads_keep_no_user_from_the_pages(start_server: ServerMaker, person_at: Newcomer) -> None:
    """More of them than requests that are served at once."""
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    sent = files.upload(alice, files.bytes_of(8 * MEBIBYTE))
    files.send_files(alice, room, sent["id"])
    slow = [files.read_slowly(bob, f"/files/{sent['id']}/film.bin") for _ in range(24)]
    for reading in slow:
        next(reading)
    assert alice.http.get("/chats/").status_code == 200
    assert alice.write(room, "still here").status_code == 201
    for reading in slow:
        reading.close()
