"""Readers for URLs in the environment: an error is one sentence, without the password of the URL."""

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address

from dm_project import env, env_urls
from tests.rig.environment import startup_error


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAME", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("postgres://shop:secret@db.example:5432/shop?sslmode=require", "postgres://db.example:5432/shop"),
        ("postgres://shop:12/secret@db.example/shop", "postgres://db.example/shop"),
        ("postgres://shop:12@secret@db.example/shop", "postgres://db.example/shop"),
        ("postgres:///shop?host=/run/postgresql&password=secret", "postgres:///shop"),
        ("sqlite:////srv/shop.sqlite3", "sqlite:////srv/shop.sqlite3"),
        ("redis://:secret@127.0.0.1:6379/3", "redis://127.0.0.1:6379/3"),
        ("unix://:secret@/run/redis.sock?db=3", "unix:///run/redis.sock"),
        ("smtp+tls://me:secret@mail.example:587", "smtp+tls://mail.example:587"),
        ("console:", "console:"),
    ],
)
def test_a_service_is_named_when_its_url_comes_from_the_environment_only(
    monkeypatch: pytest.MonkeyPatch, url: str, location: str
) -> None:
    """A shell may have exported it for another project, which would then be migrated."""
    monkeypatch.setattr(env, "names_from_file", {"REDIS_URL"})
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1/0")
    monkeypatch.setenv("DATABASE_URL", url)
    assert list(env_urls.ambient_services()) == [
        f"Using the database at {location}: "
        "DATABASE_URL comes from the environment of this process, not from .env."
    ]


def test_services_of_the_file_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "names_from_file", {"DATABASE_URL", "EMAIL_URL"})
    for name in ("DATABASE_URL", "EMAIL_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "" if name == "REDIS_URL" else "console:")
    assert list(env_urls.ambient_services()) == []


def test_an_empty_value_means_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "  ")
    assert env_urls.public_url("NAME") is None
    assert env_urls.redis_url("NAME") == ""
    assert env_urls.email("NAME") == {}


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
def test_a_public_url_is_scheme_and_host(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    assert "it must look like https://chat.example.org, without a path." in startup_error(env_urls.public_url)


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
def test_public_urls(
    monkeypatch: pytest.MonkeyPatch, value: str, origin: str, host: str, is_https: bool
) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    found = env_urls.public_url()
    assert found is not None
    assert (found.origin, found.host, found.is_https) == (origin, host, is_https)
    port = origin.removesuffix("/").rpartition(":")[2]
    assert found.port == (int(port) if port.isdigit() else 443 if is_https else 80)


@pytest.mark.parametrize("value", ["mysql://localhost/x", "postgresqI://x", "/var/lib/entre.sqlite3"])
def test_a_database_is_postgres_or_sqlite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    assert "DATABASE_URL must begin with postgres:// (or be empty for SQLite)." in startup_error(
        env_urls.database, "DATABASE_URL", tmp_path / "db", wal=True
    )


def test_the_error_for_a_postgres_url_hides_the_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://entre:geheim@host:port/x")
    refused = startup_error(env_urls.database, "DATABASE_URL", tmp_path / "db", wal=True)
    assert (
        "it must look like postgres://user:password@host:5432/name. In the password write %2F for /"
        in refused
    )
    assert "geheim" not in refused


def test_a_postgres_url_with_an_encoded_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://entre:p%40ss%2Fword@db.example:5433/chats")
    config = env_urls.database("DATABASE_URL", tmp_path / "db", wal=True)
    assert (config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == (
        "p@ss/word",
        "db.example",
        5433,
        "chats",
    )


def test_sqlite_commits_are_durable(tmp_path: Path) -> None:
    config: Any = env_urls.database("DATABASE_URL", tmp_path / "entre.sqlite3", wal=True)
    assert config["NAME"] == str(tmp_path / "entre.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        assert pragma in config["OPTIONS"]["init_command"]
    without: Any = env_urls.database("DATABASE_URL", tmp_path / "entre.sqlite3", wal=False)
    assert "journal_mode=TRUNCATE" in without["OPTIONS"]["init_command"]


def test_an_sqlite_file_needs_its_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/db.sqlite3")
    assert "and that directory does not exist." in startup_error(
        env_urls.database, "DATABASE_URL", tmp_path / "db", wal=True
    )
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/db.sqlite3")
    assert env_urls.database("DATABASE_URL", tmp_path / "other", wal=True)["NAME"] == f"{tmp_path}/db.sqlite3"


def test_a_redis_url_has_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "localhost:6379")
    assert "REDIS_URL must begin with redis://, rediss:// or unix://" in startup_error(env_urls.redis_url)


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
def test_the_error_for_a_redis_url_hides_the_password(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    refused = startup_error(env_urls.redis_url)
    assert (
        "REDIS_URL cannot be read; it must look like redis://:password@host:6379/0. "
        "In the password write %2F for /" in refused
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
def test_redis_urls(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    assert env_urls.redis_url() == value


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"])
@pytest.mark.parametrize("rest", ["u:pa[ss@host:1/x", "u:pa]ss@host", "[::1", "host:99999", "host:0"])
def test_no_invalid_url_ends_in_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, rest: str
) -> None:
    schemes = {
        "DATABASE_URL": "postgres",
        "REDIS_URL": "redis",
        "EMAIL_URL": "smtp",
        "PUBLIC_URL": "https",
    }
    monkeypatch.setenv(name, f"{schemes[name]}://{rest}")
    readers = {
        "REDIS_URL": env_urls.redis_url,
        "EMAIL_URL": env_urls.email,
        "PUBLIC_URL": env_urls.public_url,
    }
    if name == "DATABASE_URL":
        assert name in startup_error(env_urls.database, name, tmp_path / "db", wal=True)
    else:
        assert name in startup_error(readers[name])


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
def test_an_invalid_email_url_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    assert "it must look like smtp+tls://user:password@mail.example.org:587." in startup_error(env_urls.email)


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
def test_email_urls(monkeypatch: pytest.MonkeyPatch, value: str, tls: bool, ssl: bool, port: int) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    config = env_urls.email()
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


# --- The From header ---

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


@pytest.mark.parametrize(("site", "written"), SENDERS.items(), ids=[name[:20] for name in SENDERS])
def test_any_site_name_is_a_valid_sender(
    monkeypatch: pytest.MonkeyPatch, site: str, written: str | None
) -> None:
    monkeypatch.delenv("NAME", raising=False)
    sender = env_urls.sender("NAME", site, "chat.example.org")
    assert written in {None, sender}
    mail = EmailMessage("hello", "text", sender, ["alice@example.org"])
    (read,) = message_from_bytes(mail.message().as_bytes(), policy=policy.default)["From"].addresses
    assert (read.display_name, read.addr_spec) == (site, "noreply@chat.example.org")
    # What the SMTP backend sends to the server.
    assert sanitize_address(sender, "utf-8").endswith("noreply@chat.example.org>")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("[2001:db8::1]", "noreply@[IPv6:2001:db8::1]"),
        ("192.168.1.5", "noreply@[192.168.1.5]"),
        ("localhost", "noreply@localhost"),
    ],
)
def test_an_ip_address_becomes_an_address_literal(host: str, address: str) -> None:
    assert env_urls.sender("DEFAULT_FROM_EMAIL", "Entre, us", host) == f'"Entre, us" <{address}>'
    assert address in sanitize_address(env_urls.sender("DEFAULT_FROM_EMAIL", "Entre", host), "utf-8")


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        ("chat@example.org", "chat@example.org"),
        ('"Smith, Jones" <chat@example.org>', '"Smith, Jones" <chat@example.org>'),
        ("Dr. Who <chat@example.org>", '"Dr. Who" <chat@example.org>'),
        ("Müller <chat@bücher.example>", "=?utf-8?q?M=C3=BCller?= <chat@xn--bcher-kva.example>"),
    ],
)
def test_a_configured_sender(monkeypatch: pytest.MonkeyPatch, value: str, sender: str) -> None:
    monkeypatch.setenv("NAME", value)
    assert env_urls.sender("NAME", "Entre", "localhost") == sender


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
def test_an_invalid_sender_is_rejected_at_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)
    assert "NAME cannot be read; it must look like chat@example.org or" in startup_error(
        env_urls.sender, "NAME", "Entre", "localhost"
    )


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
def test_a_listening_address_is_an_allowed_host(host: str, hosts: list[str]) -> None:
    assert env_urls.listening_hosts(host) == hosts
