"""Readers for URLs and hosts in the environment: public URL, database, Redis, email server, sender address.

Called by settings only. Error sentences never repeat a URL that may contain a password.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError, ObsoleteHeaderDefect
from email.headerregistry import Address, HeaderRegistry
from email.utils import formataddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import dj_database_url

from dm_project.env import ROOT, invalid, is_ambient, text

PASSWORD_ESCAPES = "In the password write %2F for /, %23 for #, %3F for ?, %5B for [ and %40 for @."
DEFAULT_PORTS = {"http": 80, "https": 443}


def split(url: str) -> SplitResult | None:
    """The parts of a URL, or None if it has none.

    `urlsplit` raises for a bracket, and later for an invalid port.
    """
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


@dataclass(frozen=True)
class PublicUrl:
    """Where browsers reach the service.

    `origin` is scheme, host and port; `host` has no port; `port` is the default one if the URL has none.
    """

    origin: str
    host: str
    is_https: bool
    port: int


def public_url(name: str = "PUBLIC_URL") -> PublicUrl | None:
    raw = text(name).rstrip("/")
    if not raw:
        return None
    parts = split(raw)
    if (
        not parts
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise invalid(name, f"{name} is {raw!r}; it must look like https://chat.example.org, without a path.")
    try:
        host = (
            f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.encode("idna").decode("ascii")
        )
    except UnicodeError:
        raise invalid(name, f"{name} is {raw!r}, and that is not a host name.") from None
    # Exactly as browsers write it, without the default port: sockets and forms compare the whole string.
    port = "" if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return PublicUrl(
        origin=f"{parts.scheme}://{host}{port}",
        host=host,
        is_https=parts.scheme == "https",
        port=parts.port or DEFAULT_PORTS[parts.scheme],
    )


def listening_hosts(host: str) -> list[str]:
    """The host in HOST, in URL form; empty when it means every address of this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [host.lower()] if host else []
    return [] if address.is_unspecified else [f"[{address}]" if address.version == 6 else str(address)]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


SERVICES = {"DATABASE_URL": "the database", "REDIS_URL": "Redis", "EMAIL_URL": "the email server"}


def ambient_services() -> Iterator[str]:
    """One sentence for each service whose URL the environment of this process brought, not `.env`: a shell
    may have exported it for another project."""
    for name, service in SERVICES.items():
        if is_ambient(name):
            yield (
                f"Using {service} at {location(text(name))}: "
                f"{name} comes from the environment of this process, not from .env."
            )


def location(url: str) -> str:
    """A URL without user, password and options; a password may have an unescaped / or @."""
    scheme, _, rest = url.partition("://")
    address = rest.partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{address}" if rest else f"{scheme.partition(':')[0]}:"


CONNECTION_TIMEOUTS = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
"""Options of libpq, in seconds; the last one in milliseconds."""
POOL = {"min_size": 2, "max_size": 20, "timeout": 1.0, "max_waiting": 100, "reconnect_timeout": 2}
"""Django's persistent connections leak under ASGI; a pool does not. An unavailable database is reported after
a second. After two seconds the pool drops the attempt, so that the next query tries at once: its own back-off
doubles, and would notice minutes later that the database is back."""


def database(name: str, sqlite_file: Path, *, wal: bool) -> dict[str, object]:
    """Django's DATABASES entry: PostgreSQL by URL, or SQLite in a file."""
    raw = text(name)
    if raw and not raw.startswith("sqlite"):
        return postgres(name, raw)
    return sqlite(sqlite_path(name, raw, sqlite_file) if raw else sqlite_file, wal=wal)


def postgres(name: str, url: str) -> dict[str, object]:
    if not url.startswith(("postgres://", "postgresql://")):
        raise invalid(name, f"{name} must begin with postgres:// (or be empty for SQLite).")
    unreadable = invalid(
        name,
        f"{name} cannot be read; it must look like postgres://user:password@host:5432/name. "
        f"{PASSWORD_ESCAPES}",
    )
    if not split(url):
        raise unreadable
    try:
        config: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError:
        raise unreadable from None
    # Imported late: the driver is slow to load, and SQLite does not need it.
    from dm_project.db.postgres import TimeoutConnection

    config["CONN_MAX_AGE"] = 0
    # After a restart of PostgreSQL all pooled connections are dead, and must not fail one request each.
    config["CONN_HEALTH_CHECKS"] = True
    # A machine that vanishes closes nothing: dead connections are found within seconds, not the hours of
    # kernel defaults. Values in the URL win.
    config["OPTIONS"] = {
        **CONNECTION_TIMEOUTS,
        **config.get("OPTIONS", {}),
        "pool": {**POOL, "connection_class": TimeoutConnection},
    }
    return config


def sqlite_path(name: str, url: str, default: Path) -> Path:
    """The file that an sqlite:// URL names. A relative path is relative to manage.py."""
    path = url.split("://", 1)[1] if "://" in url else ""
    file = default
    if path.strip("/"):
        file = Path(path[1:] if path.startswith("//") or not path.startswith("/") else path).expanduser()
    if not file.is_absolute():
        file = ROOT / file
    if not file.parent.is_dir():
        raise invalid(
            name, f"{name} names a file in {str(file.parent)!r}, and that directory does not exist."
        )
    return file


def sqlite(file: Path, *, wal: bool) -> dict[str, object]:
    """SQLite's options keep a promise, "sent means stored" (docs/protocol.md P1).

    Without IMMEDIATE, half of all concurrent writers fail. Without FULL, a power failure loses acknowledged
    messages. Without `secure_delete`, deleted text stays in the file.
    """
    journal = "WAL" if wal else "TRUNCATE"
    pragmas = (
        f"PRAGMA journal_mode={journal}; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
        " PRAGMA journal_size_limit=27103364; PRAGMA cache_size=-8000"
    )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 5, "init_command": pragmas},
    }


def redis_url(name: str = "REDIS_URL") -> str:
    value = text(name)
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise invalid(
            name, f"{name} must begin with redis://, rediss:// or unix:// (or be empty for a single process)."
        )
    parts = split(value)
    number = parts.path.strip("/") if parts else ""
    if value and not (
        parts
        and (number if parts.scheme == "unix" else parts.hostname and (number.isdecimal() or not number))
    ):
        raise invalid(
            name,
            f"{name} cannot be read; it must look like redis://:password@host:6379/0. {PASSWORD_ESCAPES}",
        )
    return value


SMTP_SCHEMES = {
    "smtp": (25, {}),
    "smtp+tls": (587, {"EMAIL_USE_TLS": True}),
    "smtp+ssl": (465, {"EMAIL_USE_SSL": True}),
}
"""Scheme of EMAIL_URL: default port and encryption. The common parser of such URLs (dj-email-url) ignores a
scheme that it does not know, and passwords would be sent unencrypted."""


def email(name: str = "EMAIL_URL") -> dict[str, object]:
    """Django's EMAIL_* settings from one URL, or nothing when email is not configured.

    For development: `console:` prints emails, `file:///directory` writes them.
    """
    raw = text(name)
    if not raw:
        return {}
    unreadable = invalid(
        name,
        f"{name} cannot be read; it must look like smtp+tls://user:password@mail.example.org:587. "
        f"{PASSWORD_ESCAPES}",
    )
    parts = split(raw)
    if not parts:
        raise unreadable
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "file" and parts.path.strip("/"):
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": parts.path,
        }
    if (
        parts.scheme not in SMTP_SCHEMES
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise unreadable
    default_port, encryption = SMTP_SCHEMES[parts.scheme]
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or default_port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        **encryption,
    }


def sender(name: str, site_name: str, host: str) -> str:
    """The From header of every email: one name and one address, quoted so that any name is valid."""
    raw = text(name)
    if not raw:
        return formataddr((site_name, f"noreply@{email_domain(host)}"))
    try:
        header: Any = HeaderRegistry()("from", raw)
        (mailbox,) = header.addresses
        address = Address(username=mailbox.username, domain=mailbox.domain.encode("idna").decode("ascii"))
        # "Dr. Who <who@example.org>" is the obsolete form, and well understood.
        defects = [defect for defect in header.defects if not isinstance(defect, ObsoleteHeaderDefect)]
        is_valid = bool(address.username and address.domain and address.addr_spec.isascii() and not defects)
    except (ValueError, IndexError, MessageError):
        is_valid = False
    if not is_valid:
        raise invalid(
            name,
            f'{name} cannot be read; it must look like chat@example.org or "Our chat" <chat@example.org>, '
            "with the name in quotes.",
        )
    return formataddr((mailbox.display_name, address.addr_spec))


def email_domain(host: str) -> str:
    """An IP address is a valid domain only as an RFC 5321 address literal."""
    if host.startswith("["):
        return f"[IPv6:{host[1:]}"
    return f"[{host}]" if host.replace(".", "").isdigit() else host
