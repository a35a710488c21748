"""Backup and restore: the commands of docs/operate.md, read from that page and run."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import ServerMaker
from tests.rig.daphne_server import EntreServer, migrated_database
from tests.rig.environment import ROOT
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.sockets import expect, expect_close, open_socket

Newcomer = Callable[..., Person]
SAVE, RESTORE, DUMP, LOAD = range(4)


def recipes() -> list[str]:
    """The four blocks of commands, in order."""
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    section = page.split("## Backup and restore")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def run_recipe(recipe: str, server: EntreServer, *, folder: Path, programs: Path | None = None) -> None:
    """Run it in a shell in the service's directory."""
    script = recipe.replace("manage.py", f"{ROOT}/manage.py").replace(".venv/bin/python", sys.executable)
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    environment = {**server.environment, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def assert_restored_with_a_new_epoch(
    server: EntreServer, alice: Person, room: str, before: str
) -> None:
    async with open_socket(alice) as hers:
        greeting = await expect(hers, "connection_established")
        assert greeting["rooms"] == {room: 2}
        assert greeting["epoch"] != before
        await hers.send("message.send", room=room, id=str(uuid4()), body="a new third")
        assert (await expect(hers, "message.accepted"))["seq"] == 3


async def epoch_of(person: Person) -> str:
    async with open_socket(person) as socket:
        return str((await expect(socket, "connection_established"))["epoch"])


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared by the operator", "detected"])
async def test_sqlite_is_restored_from_its_backup(
    start_server: ServerMaker, person_at: Newcomer, is_declared: bool
) -> None:
    server = start_server()
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    (server.folder / "backup.sqlite3.part").write_bytes(b"of an interrupted run")
    backup = server.folder / "backup.sqlite3"
    # The second backup replaces the first.
    for body in ("first", "second"):
        alice.write(room, body)
        run_recipe(recipes()[SAVE], server, folder=server.folder)
        with sqlite3.connect(backup) as database:
            assert database.execute("SELECT body FROM message ORDER BY seq DESC").fetchone() == (body,)
    assert backup.stat().st_mode & 0o077 == 0, "it contains all messages"
    assert list(server.folder.glob("*.part")) == []
    before = await epoch_of(alice)
    for body in ("third", "fourth"):
        alice.write(room, body)
    server.stop()
    recipe = recipes()[RESTORE]
    assert "manage.py restored" in recipe
    run_recipe(recipe if is_declared else recipe.split(".venv")[0], server, folder=server.folder)
    with sqlite3.connect(server.data_folder / "entre.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    server.start()
    await assert_restored_with_a_new_epoch(server, alice, room, before)


def test_a_backup_of_a_missing_database_keeps_the_previous_one(start_server: ServerMaker) -> None:
    """A wrong path, or a disk that is not mounted: SQLite would create an empty file, and overwrite the good
    backup.
    """
    server = start_server(starts=False)
    (server.folder / "backup.sqlite3").write_bytes(b"the good one")
    with pytest.raises(AssertionError, match="No such file or directory"):
        run_recipe(
            recipes()[SAVE].replace("data/entre.sqlite3", "elsewhere/entre.sqlite3"),
            server,
            folder=server.folder,
        )
    assert (server.folder / "backup.sqlite3").read_bytes() == b"the good one"
    assert not (server.folder / "elsewhere").exists()


async def test_postgresql_is_restored_under_a_running_server(
    start_server: ServerMaker, own_postgres: PostgresServer, person_at: Newcomer
) -> None:
    """When the operator forgets to stop the service, open sockets are told, too."""
    server = start_server(DATABASE_URL=migrated_database(own_postgres))
    programs = Path(own_postgres.package.bin_path)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    for body in ("first", "second"):
        alice.write(room, body)
    before = await epoch_of(alice)
    run_recipe(recipes()[DUMP], server, folder=server.folder, programs=programs)
    for body in ("third", "fourth"):
        alice.write(room, body)
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        run_recipe(recipes()[LOAD], server, folder=server.folder, programs=programs)
        bye = await expect(hers, "bye", code=4012)
        assert bye["retryable"]
        await expect_close(hers, 4012)
    await assert_restored_with_a_new_epoch(server, alice, room, before)
