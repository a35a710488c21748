"""The settings as a process loads them: an invalid variable ends the start with one sentence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dm_project import env
from dm_project.private_files import is_accessible_to_others, keep_private
from tests.rig import environment

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789-0123456789-0123456789-key"


def start(code: str = "import dm_project.settings", **values: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a separate process."""
    kept = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
    }
    empty = dict.fromkeys(
        (
            "PUBLIC_URL",
            "REDIS_URL",
            "EMAIL_URL",
            "DATABASE_URL",
            "REGISTRATION",
            "LIMITS",
            "PORT",
            "SITE_NAME",
            "TRUSTED_PROXIES",
        ),
        "",
    )
    keys = {"SECRET_KEY": KEY, "ROOM_NAME_KEY": KEY, "INVITE_KEY": KEY}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, **empty, **keys, **values},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_part_of_an_upload_is_never_larger_than_a_body(tmp_path: Path) -> None:
    """Otherwise the server would refuse each part that it has asked for."""
    code = "from dm_project import settings; print(settings.ATTACHMENT_PART_BYTES)"
    for body, part in (("262144", "262144"), ("4194304", "1048576")):
        made = start(code, DATA_DIR=str(tmp_path), BODY_BYTES=body)
        assert made.stdout.strip() == part, made.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "PORT is 'http'; it must be a whole number from 1 to 65535."),
        ("REGISTRATION", "friends", "REGISTRATION is 'friends'; it must be one of open, invite, closed."),
        ("SECRET_KEY", "short", "SECRET_KEY has 5 characters; a key needs 32 or more."),
        ("ROOM_NAME_KEY", " ", "ROOM_NAME_KEY is not set."),
        (
            "PUBLIC_URL",
            "chat.example.org",
            "PUBLIC_URL is 'chat.example.org'; it must look like https://chat.example.org, without a path.",
        ),
        ("EMAIL_URL", "mail.example.org", "EMAIL_URL cannot be read;"),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_sentence_and_no_traceback(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    ended = start(**{"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s"), name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith(f"Entre cannot start: {says}")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUBLIC_URL", "https://chat.example.org"), ("ALLOWED_HOSTS", "chat.test"), ("HOST", "0.0.0.0")],
)
def test_development_mode_is_for_this_machine_only(tmp_path: Path, name: str, value: str) -> None:
    places = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s"), "DEBUG": "on"}
    assert start(**places, HOST="127.0.0.1").returncode == 0
    assert start(**places, HOST="localhost").returncode == 0
    refused = start(**{**places, "HOST": "", name: value})
    assert refused.stderr.startswith(f"Entre cannot start: DEBUG is on, and {name} lets other machines in.")


class TestPrivacy:
    """Only the service's own user can read what it stores."""

    def modes(self, folder: Path) -> dict[str, str]:
        return {path.name: oct(path.stat().st_mode & 0o777) for path in (folder, *folder.iterdir())}

    def test_an_accessible_data_directory_becomes_private(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir(mode=0o755)
        for name in ("entre.sqlite3", "entre.sqlite3-wal", "last-write"):
            (folder / name).touch(0o644)
        (folder / "media").mkdir(0o755)
        assert start(DATA_DIR=str(folder), STATIC_ROOT=str(tmp_path / "s")).returncode == 0
        assert self.modes(folder) == {
            "data": "0o700",
            "attachments": "0o700",
            "entre.sqlite3": "0o600",
            "entre.sqlite3-wal": "0o600",
            "last-write": "0o600",
            "media": "0o700",
        }

    def test_an_empty_data_directory_becomes_private(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert tmp_path.stat().st_mode & 0o777 == 0o700

    def test_a_directory_with_other_files_keeps_its_mode(self, tmp_path: Path) -> None:
        """A home directory, /tmp: others may need access.

        Our own files in it still become private, and the start logs a warning.
        """
        (tmp_path / "other.txt").touch(0o644)
        tmp_path.chmod(0o755)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert self.modes(tmp_path) == {tmp_path.name: "0o755", "other.txt": "0o644"}
        assert is_accessible_to_others(tmp_path)
        tmp_path.chmod(0o1777)
        (tmp_path / "entre.sqlite3").touch(0o644)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert tmp_path.stat().st_mode & 0o7777 == 0o1777
        assert (tmp_path / "entre.sqlite3").stat().st_mode & 0o777 == 0o600

    def test_group_access_stays(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o750)
        keep_private(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == 0o750


ACCOUNTS = """
import dm_project.settings as s
print(s.MAIL_CONFIGURED, s.ACCOUNT_EMAIL_VERIFICATION, s.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED,
      s.ACCOUNT_EMAIL_NOTIFICATIONS, s.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND, s.ACCOUNT_SIGNUP_FIELDS[1],
      s.EMAIL_BACKEND.split(".")[-2], s.ALLAUTH_TRUSTED_PROXY_COUNT)
print(s.ACCOUNT_RATE_LIMITS)
"""


def test_email_and_limits_follow_the_environment(tmp_path: Path) -> None:
    places = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s")}
    without = start(ACCOUNTS, **places).stdout.splitlines()
    assert without == [
        "False none False False False email dummy 0",
        "{'signup': '60/10m/ip', 'login': '60/m/ip', 'login_failed': '60/5m/ip,10/5m/key', "
        "'login_site': '30/5m/key', "
        "'login_account': '100/h/key', 'login_newcomer': '2/h/key', 'confirm_email': '1/10s/key', "
        "'mail_to_address': '12/d/key', "
        "'picture': '30/h/user', 'username_check': '60/m/user', 'username_change': '5/d/user', "
        "'name_change': '20/h/user'}",
    ]
    mail = start(
        ACCOUNTS, **places, EMAIL_URL="smtp+tls://u:p@mail.example.org:587", LIMITS="off", TRUSTED_PROXIES="1"
    ).stdout.splitlines()
    assert mail == ["True mandatory True True True email* smtp 1", "False"]


@pytest.mark.parametrize("mail", ["", "smtp+tls://u:p@mail.example.org:587"])
def test_the_checks_of_django_and_allauth_find_nothing(tmp_path: Path, mail: str) -> None:
    code = (
        "import sys; sys.argv = ['manage.py', 'check', '--fail-level', 'WARNING']\n"
        "import manage; manage.main()"
    )
    checked = start(code, DATA_DIR=str(tmp_path), STATIC_ROOT=str(tmp_path / "s"), EMAIL_URL=mail)
    assert checked.returncode == 0, checked.stderr


def test_the_service_starts_with_read_only_static_files(tmp_path: Path) -> None:
    read_only = (
        "import os; real = os.access\n"
        "os.access = lambda path, mode: 'static' not in str(path) and real(path, mode)\n"
    )
    done = start(
        f"{read_only}import dm_project.settings",
        STATIC_ROOT=str(tmp_path / "static"),
        DATA_DIR=str(tmp_path / "data"),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_port_and_host_are_read_from_the_file(tmp_path: Path) -> None:
    """Not only from the process environment: `.env` is where both are documented."""
    (tmp_path / ".env").write_text("HOST=127.0.0.9\nPORT=9009\n")
    code = f"""
import os, pathlib
from dm_project import env
from dm_project.private_files import is_accessible_to_others, keep_private
os.environ.pop("HOST"), os.environ.pop("PORT")
env.read_file.__defaults__ = (pathlib.Path({str(tmp_path / ".env")!r}),)
from dm_project.server import command as server
server.open_listener = lambda host, port: exit(f"{{host}} {{port}}")
server.main([])
"""
    done = start(code, DATA_DIR=str(tmp_path / "data"), STATIC_ROOT=str(tmp_path / "static"), HOST="")
    assert done.stderr == "127.0.0.9 9009\n"


@pytest.mark.parametrize(("value", "there"), [("", False), ("off", False), ("on", True)])
def test_admin_pages_exist_only_when_enabled(value: str, there: bool, tmp_path: Path) -> None:
    """They have no second factor yet (docs/threats.md T53)."""
    code = (
        "import django; from django.urls import Resolver404, resolve; django.setup()\n"
        "try: print(resolve('/admin/login/').url_name)\nexcept Resolver404: print('nothing')"
    )
    done = start(
        code, ADMIN=value, DATA_DIR=str(tmp_path / "data"), DJANGO_SETTINGS_MODULE="dm_project.settings"
    )
    assert done.stdout == ("login\n" if there else "nothing\n"), done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_development_mode_leaves_no_manifest_that_stops_the_next_start(tmp_path: Path) -> None:
    """DEBUG=on collects without a manifest; an empty one in its place would count as up to date."""
    manifest = tmp_path / "static" / "staticfiles.json"
    wish = ["make", "--silent", "statics", f"STATIC_ROOT={manifest.parent}"]
    values = {**environment.clean_environment(), "DATA_DIR": str(tmp_path / "data"), "DEBUG": "on"}
    subprocess.run(wish, cwd=env.ROOT, env=values, check=True, capture_output=True)
    assert not manifest.exists()
    subprocess.run(wish, cwd=env.ROOT, env={**values, "DEBUG": ""}, check=True, capture_output=True)
    assert json.loads(manifest.read_text())["paths"]
