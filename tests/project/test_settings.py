"""Values from the environment: each wrong one ends the start with one sentence that names it."""

import json
import os
import shutil
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address

from dm_project import env
from dm_project.private_files import is_for_others, keep_private
from tests.rig import environment

ROOT = Path(__file__).resolve().parents[2]
AMBIENT = "NAME comes from the environment of this process, not from .env."
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


SENDERS = {
    "Entre": "Entre <noreply@chat.example.org>",
    "Smith, Jones": '"Smith, Jones" <noreply@chat.example.org>',
    "Chat <3": '"Chat <3" <noreply@chat.example.org>',
    "me@home": '"me@home" <noreply@chat.example.org>',
    'The "Den"': r'"The \"Den\"" <noreply@chat.example.org>',
    "back\\slash; (all): [us]": r'"back\\slash; (all): [us]" <noreply@chat.example.org>',
    "Müller & Söhne, Köln": None,
    "🌿 Grün": None,
    "Чат, мой": None,
    "x" * 300: None,
}


class TestSender:
    """The From of every mail: whatever the site is called, a mail can be written and leaves."""

    @pytest.mark.parametrize(("site", "written"), SENDERS.items(), ids=[name[:20] for name in SENDERS])
    def test_any_name_of_a_site_can_stand_in_it(
        self, monkeypatch: pytest.MonkeyPatch, site: str, written: str | None
    ) -> None:
        monkeypatch.delenv("NAME", raising=False)
        sender = env.sender("NAME", site, "chat.example.org")
        assert written in {None, sender}
        mail = EmailMessage("hello", "text", sender, ["alice@example.org"])
        (read,) = message_from_bytes(mail.message().as_bytes(), policy=policy.default)["From"].addresses
        assert (read.display_name, read.addr_spec) == (site, "noreply@chat.example.org")
        # What the SMTP back end hands to the server.
        assert sanitize_address(sender, "utf-8").endswith("noreply@chat.example.org>")

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("[2001:db8::1]", "noreply@[IPv6:2001:db8::1]"),
            ("192.168.1.5", "noreply@[192.168.1.5]"),
            ("localhost", "noreply@localhost"),
        ],
    )
    def test_a_host_without_a_name_is_written_as_mail_wants_it(self, host: str, address: str) -> None:
        assert env.sender("DEFAULT_FROM_EMAIL", "Entre, us", host) == f'"Entre, us" <{address}>'
        assert address in sanitize_address(env.sender("DEFAULT_FROM_EMAIL", "Entre", host), "utf-8")

    @pytest.mark.parametrize(
        ("value", "sender"),
        [
            ("chat@example.org", "chat@example.org"),
            ('"Smith, Jones" <chat@example.org>', '"Smith, Jones" <chat@example.org>'),
            ("Dr. Who <chat@example.org>", '"Dr. Who" <chat@example.org>'),
            ("Müller <chat@bücher.example>", "=?utf-8?q?M=C3=BCller?= <chat@xn--bcher-kva.example>"),
        ],
    )
    def test_a_sender_of_ones_own(self, monkeypatch: pytest.MonkeyPatch, value: str, sender: str) -> None:
        monkeypatch.setenv("NAME", value)
        assert env.sender("NAME", "Entre", "localhost") == sender

    @pytest.mark.parametrize(
        "value",
        [
            "Entre",
            "Smith, Jones <a@b.org>",
            "Chat <3 <a@b.org>",
            "a@b.org, c@d.org",
            "a@b.org c",
            "<>",
            "müller@b.org",
            "a@",
            "@b.org",
        ],
    )
    def test_a_sender_that_no_mail_can_have_is_refused_at_the_start(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("NAME", value)
        assert "NAME cannot be read; it must look like chat@example.org or" in sentence(
            env.sender, "NAME", "Entre", "localhost"
        )

    @pytest.mark.parametrize("value", ["two\nlines", "Entre\r", "a\x0bb", "a\u2028b"])
    def test_a_name_is_one_line(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("NAME", f"x{value}x")
        assert "NAME has a line break or another character that cannot be shown." in sentence(
            env.text, "NAME"
        )

    def test_bytes_that_are_no_utf8_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NAME", b"K\xf6ln".decode("utf-8", "surrogateescape"))
        assert "NAME is not in UTF-8." in sentence(env.text, "NAME")
        assert "NAME is not in UTF-8." in sentence(env.words, "NAME")


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
        [
            ("on", True),
            ("TRUE", True),
            ("yes", True),
            ("1", True),
            ("off", False),
            ("False", False),
            ("no", False),
            ("0", False),
        ],
    )
    def test_switches(self, monkeypatch: pytest.MonkeyPatch, value: str, meaning: bool) -> None:
        monkeypatch.setenv("NAME", value)
        assert env.switch("NAME", not meaning) is meaning

    @pytest.mark.parametrize("value", ["maybe", "2", "onn"])
    def test_a_switch_is_on_or_off(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("NAME", value)
        assert (
            sentence(env.switch, "NAME", True)
            == f"Entre cannot start: NAME is {value!r}; it must be on or off. {AMBIENT}"
        )

    @pytest.mark.parametrize("value", ["0", "65536", "-1", "80.5", "http", "８０８０８０"])
    def test_a_number_has_its_bounds(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("NAME", value)
        assert "it must be a whole number from 1 to 65535." in sentence(env.whole, "NAME", 8000, 1, 65535)

    def test_a_choice_names_what_there_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NAME", "everybody")
        assert sentence(env.choice, "NAME", "open", ("open", "invite", "closed")).endswith(
            f"'everybody'; it must be one of open, invite, closed. {AMBIENT}"
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
    def test_public_addresses(
        self, monkeypatch: pytest.MonkeyPatch, value: str, origin: str, host: str, is_https: bool
    ) -> None:
        monkeypatch.setenv("PUBLIC_URL", value)
        found = env.public_url()
        assert found is not None
        assert (found.origin, found.host, found.is_https) == (origin, host, is_https)
        said = origin.removesuffix("/").rpartition(":")[2]
        assert found.port == (int(said) if said.isdigit() else 443 if is_https else 80)

    def test_a_folder_is_made_and_must_be_writable(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("NAME", str(tmp_path / "a" / "b"))
        assert env.folder("NAME", tmp_path).is_dir()
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("NAME", str(tmp_path / "file" / "b"))
        assert "and that folder cannot be made (" in sentence(env.folder, "NAME", tmp_path)

    def test_a_folder_that_is_only_read_may_be_somebody_elses(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Static files in a container: collected by root, served by another user."""
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        assert "may not write there" in sentence(env.folder, "NAME", tmp_path)
        assert env.folder("NAME", tmp_path, written=False) == tmp_path

    @pytest.mark.parametrize("value", ["mysql://localhost/x", "postgresqI://x", "/var/lib/entre.sqlite3"])
    def test_a_database_is_postgres_or_sqlite(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", value)
        assert "DATABASE_URL must begin with postgres:// (or be empty for SQLite)." in sentence(
            env.database, "DATABASE_URL", tmp_path / "db", wal=True
        )

    def test_a_postgres_address_that_cannot_be_read_is_told_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://entre:geheim@host:port/x")
        refused = sentence(env.database, "DATABASE_URL", tmp_path / "db", wal=True)
        assert (
            "it must look like postgres://user:password@host:5432/name. In the password write %2F for /"
            in refused
        )
        assert "geheim" not in refused

    def test_a_postgres_address_with_an_encoded_password(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://entre:p%40ss%2Fword@db.example:5433/chats")
        config = env.database("DATABASE_URL", tmp_path / "db", wal=True)
        assert (config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == (
            "p@ss/word",
            "db.example",
            5433,
            "chats",
        )

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
        assert "and there is no such folder." in sentence(
            env.database, "DATABASE_URL", tmp_path / "db", wal=True
        )
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/db.sqlite3")
        assert env.database("DATABASE_URL", tmp_path / "other", wal=True)["NAME"] == f"{tmp_path}/db.sqlite3"

    def test_a_redis_address_has_its_scheme(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", "localhost:6379")
        assert "REDIS_URL must begin with redis://, rediss:// or unix://" in sentence(env.redis_url)

    @pytest.mark.parametrize(
        "value",
        [
            "redis://:pa/ss@host:6379/0",
            "redis://:pa#ss@host",
            "redis://:pa[ss@host:6379/0",
            "redis://:pa?s@host:6379",
            "redis://h:port/0",
            "unix://",
            "redis:///0",
        ],
    )
    def test_a_redis_address_that_cannot_be_read_is_told_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("REDIS_URL", value)
        refused = sentence(env.redis_url)
        assert (
            "REDIS_URL cannot be read; it must look like redis://:password@host:6379/0. In the password write %2F for /"
            in refused
        )
        assert "pa" not in refused.replace("password", "")

    @pytest.mark.parametrize(
        "value",
        [
            "redis://h",
            "redis://h/",
            "redis://:p%2Fw@h:6379/3",
            "rediss://h:1",
            "unix:///run/redis.sock",
            "unix:///r.sock?db=1",
        ],
    )
    def test_redis_addresses(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("REDIS_URL", value)
        assert env.redis_url() == value

    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"])
    @pytest.mark.parametrize("rest", ["u:pa[ss@host:1/x", "u:pa]ss@host", "[::1", "host:99999", "host:0"])
    def test_no_address_ends_in_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, rest: str
    ) -> None:
        schemes = {
            "DATABASE_URL": "postgres",
            "REDIS_URL": "redis",
            "EMAIL_URL": "smtp",
            "PUBLIC_URL": "https",
        }
        monkeypatch.setenv(name, f"{schemes[name]}://{rest}")
        readers = {"REDIS_URL": env.redis_url, "EMAIL_URL": env.email, "PUBLIC_URL": env.public_url}
        if name == "DATABASE_URL":
            assert name in sentence(env.database, name, tmp_path / "db", wal=True)
        else:
            assert name in sentence(readers[name])

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
    def test_a_mail_address_that_cannot_be_read_is_told(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
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
    def test_mail_addresses(
        self, monkeypatch: pytest.MonkeyPatch, value: str, tls: bool, ssl: bool, port: int
    ) -> None:
        monkeypatch.setenv("EMAIL_URL", value)
        config = env.email()
        assert (
            config["EMAIL_HOST"],
            config["EMAIL_PORT"],
            config.get("EMAIL_USE_TLS", False),
            config.get("EMAIL_USE_SSL", False),
        ) == (
            "mail.example.org",
            port,
            tls,
            ssl,
        )
        assert (config["EMAIL_HOST_USER"], config["EMAIL_HOST_PASSWORD"]) == ("u@x", "p/w")
        assert config["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"


def start(code: str = "import dm_project.settings", **values: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
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
def test_development_mode_is_for_this_machine_alone(tmp_path: Path, name: str, value: str) -> None:
    places = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path / "s"), "DEBUG": "on"}
    assert start(**places, HOST="127.0.0.1").returncode == 0
    assert start(**places, HOST="localhost").returncode == 0
    refused = start(**{**places, "HOST": "", name: value})
    assert refused.stderr.startswith(f"Entre cannot start: DEBUG is on, and {name} lets other machines in.")


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("0.0.0.0", []),
        ("::", []),
        ("192.168.1.5", ["192.168.1.5"]),
        ("2001:DB8::1", ["[2001:db8::1]"]),
        ("Nas", ["nas"]),
        ("", []),
    ],
)
def test_an_address_that_it_listens_on_is_one_that_it_answers_at(host: str, hosts: list[str]) -> None:
    assert env.host_listened_on(host) == hosts


class TestPrivacy:
    """What is stored is nobody's on this machine but the service's."""

    def modes(self, folder: Path) -> dict[str, str]:
        return {path.name: oct(path.stat().st_mode & 0o777) for path in (folder, *folder.iterdir())}

    def test_a_data_folder_that_was_open_is_closed(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir(mode=0o755)
        for name in ("entre.sqlite3", "entre.sqlite3-wal", "last-write"):
            (folder / name).touch(0o644)
        (folder / "media").mkdir(0o755)
        assert start(DATA_DIR=str(folder), STATIC_ROOT=str(tmp_path / "s")).returncode == 0
        assert self.modes(folder) == {
            "data": "0o700",
            "entre.sqlite3": "0o600",
            "entre.sqlite3-wal": "0o600",
            "last-write": "0o600",
            "media": "0o700",
        }

    def test_a_folder_made_beforehand_is_closed_while_it_is_empty(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert tmp_path.stat().st_mode & 0o777 == 0o700

    def test_a_folder_that_holds_other_things_is_left_to_its_owner(self, tmp_path: Path) -> None:
        """A home, /tmp: others may need to pass. What is ours in it is closed all the same, and the start says that the folder is open."""
        (tmp_path / "letters.txt").touch(0o644)
        tmp_path.chmod(0o755)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert self.modes(tmp_path) == {tmp_path.name: "0o755", "letters.txt": "0o644"}
        assert is_for_others(tmp_path)
        tmp_path.chmod(0o1777)
        (tmp_path / "entre.sqlite3").touch(0o644)
        keep_private(tmp_path, tmp_path / "entre.sqlite3")
        assert tmp_path.stat().st_mode & 0o7777 == 0o1777
        assert (tmp_path / "entre.sqlite3").stat().st_mode & 0o777 == 0o600

    def test_a_group_that_somebody_let_in_stays(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o750)
        keep_private(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == 0o750


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
    mail = start(
        ACCOUNTS, **places, EMAIL_URL="smtp+tls://u:p@mail.example.org:587", LIMITS="off", TRUSTED_PROXIES="1"
    ).stdout.splitlines()
    assert mail == ["True mandatory True True True email* smtp 1", "False"]


@pytest.mark.parametrize("mail", ["", "smtp+tls://u:p@mail.example.org:587"])
def test_the_checks_of_django_and_allauth_find_nothing(tmp_path: Path, mail: str) -> None:
    code = "import sys; sys.argv = ['manage.py', 'check', '--fail-level', 'WARNING']; import manage; manage.main()"
    checked = start(code, DATA_DIR=str(tmp_path), STATIC_ROOT=str(tmp_path / "s"), EMAIL_URL=mail)
    assert checked.returncode == 0, checked.stderr


def test_the_service_starts_with_static_files_it_may_only_read(tmp_path: Path) -> None:
    read_only = "import os; real = os.access; os.access = lambda path, mode: 'static' not in str(path) and real(path, mode)\n"
    done = start(
        f"{read_only}import dm_project.settings",
        STATIC_ROOT=str(tmp_path / "static"),
        DATA_DIR=str(tmp_path / "data"),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_port_and_host_are_read_from_the_file_too(tmp_path: Path) -> None:
    """Not from the process environment alone: `.env` is where both are explained."""
    (tmp_path / ".env").write_text("HOST=127.0.0.9\nPORT=9009\n")
    code = f"""
import os, pathlib
from dm_project import env
from dm_project.private_files import is_for_others, keep_private
os.environ.pop("HOST"), os.environ.pop("PORT")
env.read_file.__defaults__ = (pathlib.Path({str(tmp_path / ".env")!r}),)
from dm_project.server import command as server
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
def test_pages_for_administrators_are_there_when_somebody_has_switched_them_on(
    value: str, there: bool, tmp_path: Path
) -> None:
    """They have no second factor yet (safety.md T53)."""
    code = (
        "import django; from django.urls import Resolver404, resolve; django.setup()\n"
        "try: print(resolve('/admin/login/').url_name)\nexcept Resolver404: print('nothing')"
    )
    done = start(
        code, ADMIN=value, DATA_DIR=str(tmp_path / "data"), DJANGO_SETTINGS_MODULE="dm_project.settings"
    )
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
