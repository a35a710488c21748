"""Typed readers for the environment; a wrong value stops the start with one clear sentence.

Called by settings only. Values come from the process environment first, then from `.env` beside manage.py.
`python -m dm_project.env` writes the keys that `.env` lacks; with a name, it prints that value.
"""

import ipaddress
import os
import sys
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError, ObsoleteHeaderDefect
from email.headerregistry import Address, HeaderRegistry
from email.utils import formataddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from environs import Env, EnvError

from dm_project import env_file, private_files
from dm_project.env_file import BadEnvironment as BadEnvironment
from dm_project.env_file import write_missing_keys as write_missing_keys

ROOT = env_file.ROOT
KEYS = env_file.KEYS
KEY_CHARS = 32
"""Shortest key we accept, in characters: 192 bits when written in base64."""

UNWRITABLE = {"Cc", "Zl", "Zp"}
"""Categories of characters that end a line or move it: no value has one, and headers of mails would break at it."""

env = Env(expand_vars=False)
from_file: set[str] = set()
"""Names whose value came from `.env`, and not from the environment of the process."""
overridden: set[str] = set()
"""Names that stand in `.env` with another value than the environment's, which wins."""


def wrong(name: str, sentence: str) -> BadEnvironment:
    """The refusal of a value. Says where the value comes from if not from `.env`: shells and Conda export a HOST, others a DEBUG."""
    is_ambient = bool(os.environ.get(name, "").strip()) and name not in from_file
    return BadEnvironment(
        f"{sentence} {name} comes from the environment of this process, not from .env."
        if is_ambient
        else sentence
    )


def read_file(path: Path = env_file.FILE) -> None:
    """Read `.env`; what stands in the process environment wins over it."""
    for name, value in env_file.values_in(path).items():
        if os.environ.setdefault(name, value) == value:
            from_file.add(name)
        elif value.strip():
            overridden.add(name)


def raw_text(name: str) -> str:
    value = str(env.str(name, "") or "").strip()
    if any(unicodedata.category(letter) == "Cs" for letter in value):
        # Python's stand-ins for bytes that are no UTF-8. The first page that shows them would be an error.
        raise wrong(name, f"{name} is not in UTF-8.")
    return value


def text(name: str, default: str = "") -> str:
    """An empty value means the default, as `.env.example` promises: `SITE_NAME=` is no site without a name."""
    value = raw_text(name) or default
    if not value.isprintable() and any(unicodedata.category(letter) in UNWRITABLE for letter in value):
        raise wrong(name, f"{name} has a line break or another character that cannot be shown.")
    return value


def key(name: str) -> str:
    """A secret that must be there. Raises BadEnvironment when it is missing or too short to be one."""
    value = text(name)
    if not value:
        if name in overridden:
            raise BadEnvironment(
                f"{name} stands in .env, but is empty in the environment of this process, which wins. Unset it there."
            )
        raise BadEnvironment(
            f"{name} is not set. `make run` writes one into .env; elsewhere set it to {KEY_CHARS} or more random characters."
        )
    if len(value) < KEY_CHARS:
        raise wrong(name, f"{name} has {len(value)} characters; a key needs {KEY_CHARS} or more.")
    return value


def switch(name: str, default: bool) -> bool:
    """on or off (also true/false, yes/no, 1/0)."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"on", "true", "yes", "1"}:
        return True
    if value in {"off", "false", "no", "0"}:
        return False
    raise wrong(name, f"{name} is {value!r}; it must be on or off.")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower() or default
    if value not in allowed:
        raise wrong(name, f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def whole(name: str, default: int, low: int, high: int) -> int:
    """A whole number between low and high, both included."""
    raw = text(name)
    try:
        value = int(raw) if raw else default
    except ValueError:
        raise wrong(name, f"{name} is {raw!r}; it must be a whole number from {low} to {high}.") from None
    if not low <= value <= high:
        raise wrong(name, f"{name} is {value}; it must be a whole number from {low} to {high}.")
    return value


def words(name: str) -> list[str]:
    """A list with commas between its items. It may go over several lines, in quotes."""
    return [item.strip() for item in raw_text(name).split(",") if item.strip()]


def folder(name: str, default: Path, *, private: bool = False, written: bool = True) -> Path:
    """A folder, made if it is missing, and when it is private then for nobody else's eyes on this machine.

    Args:
        written: the running service writes there, so it must be able to.
    """
    path = Path(text(name) or default).expanduser().resolve()
    try:
        path.mkdir(mode=private_files.FOLDER if private else 0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise wrong(
            name, f"{name} is {str(path)!r}, and that folder cannot be made ({error.strerror})."
        ) from None
    if written and not os.access(path, os.W_OK):
        raise wrong(name, f"{name} is {str(path)!r}, and this process may not write there.")
    return path


ESCAPES = "In the password write %2F for /, %23 for #, %3F for ?, %5B for [ and %40 for @."
USUAL_PORTS = {"http": 80, "https": 443}


def split(address: str) -> SplitResult | None:
    """The parts of an address, or None when Python can find none: it raises for a bracket or a port that is no number, here or later."""
    try:
        parts = urlsplit(address)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


@dataclass(frozen=True)
class PublicUrl:
    """Where browsers reach the service: `origin` is scheme, host and port; `host` has no port; `port` is the usual one where none is said."""

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
        raise wrong(name, f"{name} is {raw!r}; it must look like https://chat.example.org, without a path.")
    try:
        host = (
            f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.encode("idna").decode("ascii")
        )
    except UnicodeError:
        raise wrong(name, f"{name} is {raw!r}, and that is no name of a host.") from None
    # As browsers write it, to the letter: they leave the usual port out, and sockets and forms compare exactly.
    port = "" if parts.port in {None, USUAL_PORTS[parts.scheme]} else f":{parts.port}"
    return PublicUrl(
        origin=f"{parts.scheme}://{host}{port}",
        host=host,
        is_https=parts.scheme == "https",
        port=parts.port or USUAL_PORTS[parts.scheme],
    )


def host_listened_on(host: str) -> list[str]:
    """The one host that HOST names, as it stands in an address; nothing when it means every address of this machine."""
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


PATIENT_LINE = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
"""Options of libpq; seconds, but the last one in milliseconds."""
POOL = {"min_size": 2, "max_size": 20, "timeout": 1.0, "max_waiting": 100, "reconnect_timeout": 2}
"""Kept connections leak under ASGI (stack.md C4); the pool is what keeps them. A database that is away is said after a second. Giving a connection
up after two lets the next question try at once: the pool's own patience doubles, and would find a database that is back minutes later."""


def database(name: str, sqlite_file: Path, *, wal: bool) -> dict[str, object]:
    """Django's DATABASES entry: PostgreSQL by address, or SQLite in a file.

    SQLite's options are a promise (P1, "sent means stored"): IMMEDIATE, or half of all concurrent writers fail; FULL, or a
    power cut takes acknowledged messages; `secure_delete`, or deleted text stays in the file.
    """
    raw = text(name)
    if raw and not raw.startswith("sqlite"):
        if not raw.startswith(("postgres://", "postgresql://")):
            raise wrong(name, f"{name} must begin with postgres:// (or be empty for SQLite).")
        unreadable = wrong(
            name,
            f"{name} cannot be read; it must look like postgres://user:password@host:5432/name. {ESCAPES}",
        )
        if not split(raw):
            raise unreadable
        try:
            config = env.dj_db_url(name)
        except (EnvError, ValueError):
            raise unreadable from None
        # Only here: the driver is slow to load, and SQLite wants none.
        from dm_project.db.postgres import TimeoutConnection

        config["CONN_MAX_AGE"] = 0
        # After a restart of the server all kept connections are dead, and must not fail one request each.
        config["CONN_HEALTH_CHECKS"] = True
        # A machine that vanishes sends no farewell: its connections are found dead within seconds, not the hours that kernels wait.
        # Whoever names other values in the address wins.
        config["OPTIONS"] = {
            **PATIENT_LINE,
            **config.get("OPTIONS", {}),
            "pool": {**POOL, "connection_class": TimeoutConnection},
        }
        return dict(config)
    if raw:
        path = raw.split("://", 1)[1] if "://" in raw else ""
        sqlite_file = (
            Path(path[1:] if path.startswith("//") or not path.startswith("/") else path).expanduser()
            if path.strip("/")
            else sqlite_file
        )
        if not sqlite_file.is_absolute():
            sqlite_file = ROOT / sqlite_file
        if not sqlite_file.parent.is_dir():
            raise wrong(
                name, f"{name} names a file in {str(sqlite_file.parent)!r}, and there is no such folder."
            )
    journal = "WAL" if wal else "TRUNCATE"
    pragmas = (
        f"PRAGMA journal_mode={journal}; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
        " PRAGMA journal_size_limit=27103364; PRAGMA cache_size=-8000"
    )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(sqlite_file),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 5, "init_command": pragmas},
    }


def redis_url(name: str = "REDIS_URL") -> str:
    value = text(name)
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise wrong(
            name, f"{name} must begin with redis://, rediss:// or unix:// (or be empty for a single process)."
        )
    parts = split(value)
    number = parts.path.strip("/") if parts else ""
    if value and not (
        parts
        and (number if parts.scheme == "unix" else parts.hostname and (number.isdecimal() or not number))
    ):
        raise wrong(
            name, f"{name} cannot be read; it must look like redis://:password@host:6379/0. {ESCAPES}"
        )
    return value


MAIL_WAYS = {
    "smtp": (25, {}),
    "smtp+tls": (587, {"EMAIL_USE_TLS": True}),
    "smtp+ssl": (465, {"EMAIL_USE_SSL": True}),
}
"""Scheme of EMAIL_URL: usual port, and how the line is secured. The common parser of such addresses drops what it does not know and would
send passwords in the clear."""


def email(name: str = "EMAIL_URL") -> dict[str, object]:
    """Django's EMAIL_* settings from one address, or nothing when mail is not configured.

    `console:` prints mails, `file:///folder` writes them: for trying out.
    """
    raw = text(name)
    if not raw:
        return {}
    unreadable = wrong(
        name,
        f"{name} cannot be read; it must look like smtp+tls://user:password@mail.example.org:587. {ESCAPES}",
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
        parts.scheme not in MAIL_WAYS
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise unreadable
    usual_port, secured = MAIL_WAYS[parts.scheme]
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or usual_port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        **secured,
    }


def sender(name: str, site_name: str, host: str) -> str:
    """The From of every mail: one name and one address, written so that any name can stand in it."""
    raw = text(name)
    if not raw:
        # A bare IP address is no domain of mail; as RFC 5321 writes one it is.
        literal = (
            f"[IPv6:{host[1:]}"
            if host.startswith("[")
            else f"[{host}]"
            if host.replace(".", "").isdigit()
            else host
        )
        return formataddr((site_name, f"noreply@{literal}"))
    try:
        header: Any = HeaderRegistry()("from", raw)
        (mailbox,) = header.addresses
        address = Address(username=mailbox.username, domain=mailbox.domain.encode("idna").decode("ascii"))
        # "Dr. Who <who@example.org>" is the obsolete form, and well understood.
        defects = [defect for defect in header.defects if not isinstance(defect, ObsoleteHeaderDefect)]
        is_good = bool(address.username and address.domain and address.addr_spec.isascii() and not defects)
    except (ValueError, IndexError, MessageError):
        is_good = False
    if not is_good:
        raise wrong(
            name,
            f'{name} cannot be read; it must look like chat@example.org or "Our chat" <chat@example.org>, the name in quotes.',
        )
    return formataddr((mailbox.display_name, address.addr_spec))


def main(argv: list[str]) -> None:
    if argv:
        read_file()
        sys.stdout.write(f"{text(argv[0])}\n")
        return
    written = write_missing_keys()
    sys.stdout.write(f"wrote {', '.join(written)} into .env\n" if written else "")


if __name__ == "__main__":
    main(sys.argv[1:])
