"""The start of the server: a URL that works, a reason for what will not work, and private files."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerMaker
from tests.rig.daphne_server import TIMEOUT_S, EntreServer
from tests.rig.environment import ROOT, clean_environment
from tests.rig.people import Person
from tests.sockets import Refused, expect, open_socket

Newcomer = Callable[..., Person]


def printed_address(server: EntreServer) -> str:
    """The URL that the start prints, as soon as it is in the log."""
    process = server.launch()
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := re.search(r"^Entre is at (\S+)/ ", server.log(), re.MULTILINE)):
        assert process.poll() is None, server.logs()
        assert time.monotonic() < deadline, server.logs()
        time.sleep(0.05)
    return found.group(1)


@pytest.mark.parametrize("host", ["::", "127.0.0.3"])
async def test_the_address_that_is_printed_works_for_pages_and_sockets(
    start_server: ServerMaker, person_at: Newcomer, host: str
) -> None:
    server = start_server(starts=False, HOST=host)
    address = printed_address(server)
    with Person(address, "alice") as alice:
        alice.sign_up()
        async with open_socket(alice) as socket:
            await expect(socket, "connection_established")
    assert ("Set PUBLIC_URL to the address that others use." in server.log()) is (host == "::")


async def test_allowed_hosts_without_a_public_url_log_why_sockets_are_rejected(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(ALLOWED_HOSTS="chat.test")
    assert (
        "ALLOWED_HOSTS names chat.test, but PUBLIC_URL is not set: pages there cannot open sockets."
        in server.log()
    )
    alice = person_at(server, "alice")
    assert alice.http.get("/chats/", headers={"Host": "chat.test"}).status_code == 200
    for _ in range(3):
        with pytest.raises(Refused):
            async with open_socket(alice, origin="http://chat.test"):
                pass
    rejections = [line for line in server.log().splitlines() if "handshake rejected" in line]
    assert len(rejections) == 1, "once a minute"
    assert (
        "the page is at 'http://chat.test', and PUBLIC_URL is not set (only this machine is allowed)"
        in rejections[0]
    )


def test_the_public_url_is_printed_and_ctrl_c_ends_a_start_without_a_traceback(
    start_server: ServerMaker,
) -> None:
    server = start_server(starts=False, PUBLIC_URL="https://chat.example.org")
    assert printed_address(server) == "https://chat.example.org"
    # Printed before everything is loaded, so this comes during the start, or just after it on a busy machine.
    assert server.stop(how=signal.SIGINT) in {-signal.SIGINT, 0}
    assert "Traceback" not in server.log()


def test_an_empty_database_ends_the_start_with_one_sentence(
    start_server: ServerMaker, tmp_path: Path
) -> None:
    server = start_server(starts=False, DATA_DIR=str(tmp_path / "empty"))
    assert server.launch().wait(TIMEOUT_S) != 0
    assert re.fullmatch(
        r"Entre cannot start: the database lacks \d+ migrations\. Run: python manage\.py migrate .*\)\.",
        server.log().strip(),
    )


def test_an_invalid_host_is_an_error_that_names_its_source(start_server: ServerMaker) -> None:
    """Conda exports one, and some shells."""
    server = start_server(starts=False, HOST="x86_64-conda-linux-gnu")
    assert server.launch().wait(TIMEOUT_S) != 0
    (line,) = server.log().strip().splitlines()
    assert line.startswith("Entre cannot start: HOST is 'x86_64-conda-linux-gnu', ")
    assert line.endswith("HOST comes from the environment of this process, not from .env.")


def test_stored_files_are_private(start_server: ServerMaker, person_at: Newcomer) -> None:
    server = start_server(starts=False)
    for path in (server.data_folder, *server.data_folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    server.start()
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    alice.write(alice.open_chat_with(bob), "for your eyes only")
    open_to_others = [
        path.name
        for path in (server.data_folder, *server.data_folder.rglob("*"))
        if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert "every user of this machine" not in server.log()


def test_an_accessible_data_directory_and_a_second_process_on_one_sqlite_file_are_logged(
    start_server: ServerMaker, tmp_path: Path
) -> None:
    """The start of a second one suggests another port when the first one still runs."""
    folder = tmp_path / "shared"
    server = start_server(starts=False, DATA_DIR=str(folder))
    server.data_folder.rename(folder)
    folder.chmod(0o1755)
    server.start()
    assert (
        f"every user of this machine can read DATA_DIR. Remove their access: chmod 700 {folder}"
        in server.log()
    )
    assert (folder / "entre.sqlite3").stat().st_mode & 0o077 == 0
    assert "Another server process" not in server.log()
    second = start_server(starts=False, DATA_DIR=str(folder))
    printed_address(second)
    assert "Another server process uses this SQLite database, and only one may." in second.log()


@pytest.mark.parametrize(
    "program", [["-m", "dm_project.server"], ["-m", "dm_project.server.preflight"], ["manage.py", "check"]]
)
def test_settings_of_another_project_are_rejected_in_one_sentence(program: list[str]) -> None:
    """Shells and editors of Django developers export its name."""
    environment = {**clean_environment(), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    done = subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr == (
        "Entre cannot start: DJANGO_SETTINGS_MODULE is 'shop.settings' in the environment of this process, "
        "and there is no such module here. Unset it.\n"
    )


def test_the_start_names_a_database_that_the_shell_exported_before_it_is_migrated(tmp_path: Path) -> None:
    environment = {
        **clean_environment(),
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dm_project.server.preflight"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == (
        f"Using the database at sqlite:///{tmp_path}/shop.sqlite3: "
        "DATABASE_URL comes from the environment of this process, not from .env.\n"
    ), done.stderr
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.index("dm_project.server.preflight") < makefile.index("migrate --noinput")


def test_a_second_make_run_ends_before_it_touches_the_database(tmp_path: Path) -> None:
    """Its files may be of a newer release, which would migrate what the running server uses."""
    makefile = (ROOT / "Makefile").read_text()
    assert "\nrun demo: PREFLIGHT := --free-port\n" in makefile
    assert "dm_project.server.preflight $(PREFLIGHT)\n\t@$(MANAGE) migrate" in makefile
    with socket.create_server(("127.0.0.1", 0)) as running:
        port = running.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "dm_project.server.preflight", "--free-port"],
            cwd=ROOT,
            env={**clean_environment(), "DATA_DIR": str(tmp_path), "PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert done.stderr.startswith(f"Entre cannot start: port {port} is in use on 127.0.0.1.")
    assert list(tmp_path.glob("*.sqlite3*")) == [], "no database was opened"


def test_no_module_is_left_to_the_first_request(tmp_path: Path) -> None:
    """After an update of the files it would be loaded from the new ones, into a process of the old ones."""
    code = (
        "import sys\n"
        "from dm_project import settings_module\n"
        "from dm_project.server.command import load_application\n"
        "settings_module.choose()\n"
        "load_application()\n"
        "before = set(sys.modules)\n"
        "from django.conf import settings\n"
        "from django.test import Client\n"
        "settings.ALLOWED_HOSTS = ['testserver']\n"
        "assert Client().get('/healthz').status_code == 200\n"
        "ours = ('accounts', 'conversations', 'dm_project')\n"
        "print(sorted(name for name in set(sys.modules) - before if name.split('.')[0] in ours))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**clean_environment(), "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr
