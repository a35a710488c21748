"""Values from the environment: each wrong one ends the start with one sentence that names it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dm_project import env
from tests.rig import environment

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789-0123456789-0123456789-key"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAME", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"):
        monkeypatch.delenv(name, raising=False)


def sentence(function: Any, *args: Any, **more: Any) -> str:
    """What the start says when it refuses."""
    with pytest.raises(env.BadEnvironment) as refusal:
        function(*args, **more)
    text = str(refusal.value)
    assert text.startswith("Entre cannot start: ")
    assert "\n" not in text
    return text


class TestReaders:
    """Direct calls: what each reader takes and refuses."""

    def test_an_empty_value_means_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NAME", "  ")
        assert env.text("NAME", "Entre") == "Entre"
        assert env.switch("NAME", True) is True
        assert env.whole("NAME", 8000, 1, 65535) == 8000
        assert env.choice("NAME", "open", ("open", "closed")) == "open"
        assert env.words("NAME") == []
        assert env.public_url("NAME") is None
        assert env.redis_url("NAME") == ""
        assert env.email("NAME") == {}

    def test_dollar_signs_and_percents_are_letters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NAME", "pa$$word${HOME}%20")
        assert env.text("NAME") == "pa$$word${HOME}%20"

    @pytest.mark.parametrize(
        ("value", "meaning"),
        [("on", True), ("TRUE", True), ("yes", True), ("1", True), ("off", False), ("False", False), ("no", False), ("0", False)],
    )
    def test_switches(self, monkeypatch: pytest.MonkeyPatch, value: str, meaning: bool) -> None:
        monkeypatch.setenv("NAME", value)
        assert env.switch("NAME", not meaning) is meaning

    @pytest.mark.parametrize("value", ["maybe", "2", "onn"])
    def test_a_switch_is_on_or_off(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("NAME", value)
        assert sentence(env.switch, "NAME", True) == f"Entre cannot start: NAME is {value!r}; it must be on or off."

    @pytest.mark.parametrize("value", ["0", "65536", "-1", "80.5", "http", "８０８０８０"])
    def test_a_number_has_its_bounds(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("NAME", value)
        assert "it must be a whole number from 1 to 65535." in sentence(env.whole, "NAME", 8000, 1, 65535)

    def test_a_choice_names_what_there_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NAME", "everybody")
        assert sentence(env.choice, "NAME", "open", ("open", "invite", "closed")).endswith(
            "'everybody'; it must be one of open, invite, closed."
        )
        monkeypatch.setenv("NAME", "Invite")
        assert env.choice("NAME", "open", ("open", "invite", "closed")) == "invite"

    def test_a_key_must_be_there_and_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "NAME is not set. `make run` writes one into .env" in sentence(env.key, "NAME")
        monkeypatch.setenv("NAME", "short-secret")
        refused = sentence(env.key, "NAME")
        assert "NAME has 12 characters; a key needs 32 or more." in refused
        assert "short-secret" not in refused
        monkeypatch.setenv("NAME", KEY)
        assert env.key("NAME") == KEY

    @pytest.mark.parametrize(
        "value",
        [
            "chat.example.org",
            "ftp://chat.example.org",
            "https://",
            "https://chat.example.org/chat",
            "https://chat.example.org?x=1",
            "https://chat.example.org#x",
            "https://user@chat.example.org",
            "https://chat.example.org:0",
            "https://chat.example.org:port",
            "https://chat.example.org:99999",
            "javascript:alert(1)",
        ],
    )
    def test_a_public_address_is_scheme_and_host(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("PUBLIC_URL", value)
        assert "it must look like https://chat.example.org, without a path." in sentence(env.public_url)

    @pytest.mark.parametrize(
        ("value", "origin", "host", "is_https"),
        [
            ("https://chat.example.org", "https://chat.example.org", "chat.example.org", True),
            ("https://Chat.Example.org/", "https://chat.example.org", "chat.example.org", True),
            ("http://localhost:8000", "http://localhost:8000", "localhost", False),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]", True),
            ("https://chat.example.org:443", "https://chat.example.org", "chat.example.org", True),
            ("http://chat.example.org:80", "http://chat.example.org", "chat.example.org", False),
            ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ],
    )
    def test_public_addresses(self, monkeypatch: pytest.MonkeyPatch, value: str, origin: str, host: str, is_https: bool) -> None:
        monkeypatch.setenv("PUBLIC_URL", value)
        found = env.public_url()
        assert found is not None
        assert (found.origin, found.host, found.is_https) == (origin, host, is_https)
        said = origin.removesuffix("/").rpartition(":")[2]
        assert found.port == (int(said) if said.isdigit() else 443 if is_https else 80)

    def test_a_folder_is_made_and_must_be_writable(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("NAME", str(tmp_path / "a" / "b"))
        assert env.folder("NAME", tmp_path).is_dir()
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("NAME", str(tmp_path / "file" / "b"))
        assert "and that folder cannot be made (" in sentence(env.folder, "NAME", tmp_path)

    def test_a_folder_that_is_only_read_may_be_somebody_elses(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Static files in a container: collected by root, served by another user."""
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        assert "may not write there" in sentence(env.folder, "NAME", tmp_path)
        assert env.folder("NAME", tmp_path, written=False) == tmp_path

    @pytest.mark.parametrize("value", ["mysql://localhost/x", "postgresqI://x", "/var/lib/entre.sqlite3"])
    def test_a_database_is_postgres_or_sqlite(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
        monkeypatch.setenv("DATABASE_URL", value)
        assert "DATABASE_URL must begin with postgres:// (or be empty for SQLite)." in sentence(
            env.database, "DATABASE_URL", tmp_path / "db", wal=True
        )

    def test_a_postgres_address_that_cannot_be_read_is_told_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://entre:geheim@host:port/x")
        refused = sentence(env.database, "DATABASE_URL", tmp_path / "db", wal=True)
        assert "it must look like postgres://user:password@host:5432/name." in refused
        assert "geheim" not in refused

    def test_a_postgres_address_with_an_encoded_password(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://entre:p%40ss%2Fword@db.example:5433/chats")
        config = env.database("DATABASE_URL", tmp_path / "db", wal=True)
        assert (config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == ("p@ss/word", "db.example", 5433, "chats")

    def test_sqlite_writes_at_once_and_for_good(self, tmp_path: Path) -> None:
        config: Any = env.database("DATABASE_URL", tmp_path / "entre.sqlite3", wal=True)
        assert config["NAME"] == str(tmp_path / "entre.sqlite3")
        assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            assert pragma in config["OPTIONS"]["init_command"]
        without: Any = env.database("DATABASE_URL", tmp_path / "entre.sqlite3", wal=False)
        assert "journal_mode=TRUNCATE" in without["OPTIONS"]["init_command"]

    def test_an_sqlite_file_needs_its_folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/db.sqlite3")
        assert "and there is no such folder." in sentence(env.database, "DATABASE_URL", tmp_path / "db", wal=True)
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/db.sqlite3")
        assert env.database("DATABASE_URL", tmp_path / "other", wal=True)["NAME"] == f"{tmp_path}/db.sqlite3"

    def test_a_redis_address_has_its_scheme(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", "localhost:6379")
        assert "REDIS_URL must begin with redis://, rediss:// or unix://" in sentence(env.redis_url)

    @pytest.mark.parametrize(
        "value",
        [
            "mail.example.org",
            "pop3://mail.example.org",
            "smtp",
            "smtp://host:port",
            "smtp+tls://",
            "smtp+tsl://mail.example.org",
            "file://",
            "smtp://a/b",
            "smtp://p#w@host",
        ],
    )
    def test_a_mail_address_that_cannot_be_read_is_told(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("EMAIL_URL", value)
        assert "it must look like smtp+tls://user:password@mail.example.org:587." in sentence(env.email)

    @pytest.mark.parametrize(
        ("value", "tls", "ssl", "port"),
        [
            ("smtp+tls://u%40x:p%2Fw@mail.example.org:587", True, False, 587),
            ("smtp+ssl://u%40x:p%2Fw@mail.example.org:465", False, True, 465),
            ("smtp+tls://u%40x:p%2Fw@mail.example.org", True, False, 587),
            ("smtp+ssl://u%40x:p%2Fw@mail.example.org", False, True, 465),
            ("smtp://u%40x:p%2Fw@mail.example.org", False, False, 25),
        ],
    )
    def test_mail_addresses(self, monkeypatch: pytest.MonkeyPatch, value: str, tls: bool, ssl: bool, port: int) -> None:
        monkeypatch.setenv("EMAIL_URL", value)
        config = env.email()
        assert (config["EMAIL_HOST"], config["EMAIL_PORT"], config.get("EMAIL_USE_TLS", False), config.get("EMAIL_USE_SSL", False)) == (
            "mail.example.org",
            port,
            tls,
            ssl,
        )
        assert (config["EMAIL_HOST_USER"], config["EMAIL_HOST_PASSWORD"]) == ("u@x", "p/w")
        assert config["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"


class TestKeys:
    """`make run` writes what is missing."""

    @pytest.fixture(autouse=True)
    def no_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in env.KEYS:
            monkeypatch.delenv(name, raising=False)

    def test_they_are_made_once_different_and_for_the_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        assert env.write_missing_keys(path) == list(env.KEYS)
        first = path.read_text()
        values = [line.split("=", 1)[1] for line in first.splitlines()]
        assert len(set(values)) == 3
        assert min(map(len, values)) >= env.KEY_CHARS
        assert path.stat().st_mode & 0o777 == 0o600
        assert env.write_missing_keys(path) == []
        assert path.read_text() == first

    def test_what_somebody_wrote_stays(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_text("PORT=9000\nSECRET_KEY=mine\nINVITE_KEY=")
        assert env.write_missing_keys(path) == ["ROOM_NAME_KEY", "INVITE_KEY"]
        assert path.read_text().startswith("PORT=9000\nSECRET_KEY=mine\nINVITE_KEY=\nROOM_NAME_KEY=")


def start(code: str = "import dm_project.settings", **values: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}}
    empty = dict.fromkeys(
        ("PUBLIC_URL", "REDIS_URL", "EMAIL_URL", "DATABASE_URL", "REGISTRATION", "LIMITS", "PORT", "SITE_NAME", "TRUSTED_PROXIES"), ""
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


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "PORT is 'http'; it must be a whole number from 1 to 65535."),
        ("REGISTRATION", "friends", "REGISTRATION is 'friends'; it must be one of open, invite, closed."),
        ("SECRET_KEY", "short", "SECRET_KEY has 5 characters; a key needs 32 or more."),
        ("ROOM_NAME_KEY", " ", "ROOM_NAME_KEY is not set."),
        ("PUBLIC_URL", "chat.example.org", "PUBLIC_URL is 'chat.example.org'; it must look like https://chat.example.org, without a path."),
        ("EMAIL_URL", "mail.example.org", "EMAIL_URL cannot be read;"),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_sentence_and_no_traceback(tmp_path: Path, name: str, value: str, says: str) -> None:
    ended = start(**{"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s"), name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith(f"Entre cannot start: {says}")


ACCOUNTS = """
import dm_project.settings as s
print(s.MAIL_CONFIGURED, s.ACCOUNT_EMAIL_VERIFICATION, s.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED, s.ACCOUNT_EMAIL_NOTIFICATIONS,
      s.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND, s.ACCOUNT_SIGNUP_FIELDS[1], s.EMAIL_BACKEND.split(".")[-2], s.ALLAUTH_TRUSTED_PROXY_COUNT)
print(s.ACCOUNT_RATE_LIMITS)
"""


def test_mail_and_limits_follow_the_environment(tmp_path: Path) -> None:
    places = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s")}
    without = start(ACCOUNTS, **places).stdout.splitlines()
    assert without == [
        "False none False False False email dummy 0",
        "{'signup': '60/10m/ip', 'login': '60/m/ip', 'login_failed': '60/5m/ip,10/5m/key', 'login_site': '30/5m/key', "
        "'login_account': '100/h/key', 'login_newcomer': '2/h/key', 'confirm_email': '1/10s/key', 'mail_to_address': '12/d/key', "
        "'picture': '30/h/user', 'username_check': '60/m/user', 'username_change': '5/d/user', 'name_change': '20/h/user'}",
    ]
    mail = start(ACCOUNTS, **places, EMAIL_URL="smtp+tls://u:p@mail.example.org:587", LIMITS="off", TRUSTED_PROXIES="1").stdout.splitlines()
    assert mail == ["True mandatory True True True email* smtp 1", "False"]


@pytest.mark.parametrize("mail", ["", "smtp+tls://u:p@mail.example.org:587"])
def test_the_checks_of_django_and_allauth_find_nothing(tmp_path: Path, mail: str) -> None:
    code = "import sys; sys.argv = ['manage.py', 'check', '--fail-level', 'WARNING']; import manage; manage.main()"
    checked = start(code, DATA_DIR=str(tmp_path), STATIC_ROOT=str(tmp_path / "s"), EMAIL_URL=mail)
    assert checked.returncode == 0, checked.stderr


def test_the_service_starts_with_static_files_it_may_only_read(tmp_path: Path) -> None:
    read_only = "import os; real = os.access; os.access = lambda path, mode: 'static' not in str(path) and real(path, mode)\n"
    done = start(f"{read_only}import dm_project.settings", STATIC_ROOT=str(tmp_path / "static"), DATA_DIR=str(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (0, "")


def test_port_and_host_are_read_from_the_file_too(tmp_path: Path) -> None:
    """Not from the process environment alone: `.env` is where both are explained."""
    (tmp_path / ".env").write_text("HOST=127.0.0.9\nPORT=9009\n")
    code = f"""
import os, pathlib
from dm_project import env
os.environ.pop("HOST"), os.environ.pop("PORT")
env.read_file.__defaults__ = (pathlib.Path({str(tmp_path / ".env")!r}),)
from dm_project import server
server.listen = lambda host, port: exit(f"{{host}} {{port}}")
server.main([])
"""
    done = start(code, DATA_DIR=str(tmp_path / "data"), STATIC_ROOT=str(tmp_path / "static"), HOST="")
    assert done.stderr == "127.0.0.9 9009\n"


def test_the_makefile_asks_where_static_files_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("STATIC_ROOT=/srv/static\n")
    monkeypatch.setattr(env.read_file, "__defaults__", (tmp_path / ".env",))
    monkeypatch.delenv("STATIC_ROOT")
    env.main(["STATIC_ROOT"])
    assert capsys.readouterr().out == "/srv/static\n"


@pytest.mark.parametrize(("value", "there"), [("", False), ("off", False), ("on", True)])
def test_pages_for_administrators_are_there_when_somebody_has_switched_them_on(value: str, there: bool, tmp_path: Path) -> None:
    """They have no second factor yet (safety.md T53)."""
    code = (
        "import django; from django.urls import Resolver404, resolve; django.setup()\n"
        "try: print(resolve('/admin/login/').url_name)\nexcept Resolver404: print('nothing')"
    )
    done = start(code, ADMIN=value, DATA_DIR=str(tmp_path / "data"), DJANGO_SETTINGS_MODULE="dm_project.settings")
    assert done.stdout == ("login\n" if there else "nothing\n"), done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_development_mode_leaves_no_list_of_files_that_stops_the_next_start(tmp_path: Path) -> None:
    """DEBUG=on collects without a manifest; an empty one in its place would pass for one that is up to date."""
    manifest = tmp_path / "static" / "staticfiles.json"
    wish = ["make", "--silent", "statics", f"STATIC_ROOT={manifest.parent}"]
    values = {**environment.clean_environment(), "DATA_DIR": str(tmp_path / "data"), "DEBUG": "on"}
    subprocess.run(wish, cwd=env.ROOT, env=values, check=True, capture_output=True)
    assert not manifest.exists()
    subprocess.run(wish, cwd=env.ROOT, env={**values, "DEBUG": ""}, check=True, capture_output=True)
    assert json.loads(manifest.read_text())["paths"]
