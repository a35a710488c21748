"""Typed readers for the environment; a wrong value stops the start with one clear sentence.

Called by settings only. Values come from the process environment first, then from `.env` beside manage.py.
`python -m dm_project.env` writes the keys that `.env` lacks; with a name, it prints that value.
"""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from environs import Env, EnvError

ROOT = Path(__file__).resolve().parent.parent
KEYS = ("SECRET_KEY", "ROOM_NAME_KEY", "INVITE_KEY")
KEY_CHARS = 32
"""Shortest key we accept, in characters: 192 bits when written in base64."""

env = Env(expand_vars=False)


class BadEnvironment(SystemExit):
    """A value from the environment that cannot be used. Ends the process with its sentence and without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Entre cannot start: {sentence}")


def read_file(path: Path = ROOT / ".env") -> None:
    """Read `.env`; what stands in the process environment wins over it."""
    env.read_env(str(path), recurse=False)


def text(name: str, default: str = "") -> str:
    """An empty value means the default, as `.env.example` promises: `SITE_NAME=` is no site without a name."""
    return (env.str(name, "") or "").strip() or default


def key(name: str) -> str:
    """A secret that must be there. Raises BadEnvironment when it is missing or too short to be one."""
    value = text(name)
    if not value:
        raise BadEnvironment(
            f"{name} is not set. `make run` writes one into .env; elsewhere set it to {KEY_CHARS} or more random characters."
        )
    if len(value) < KEY_CHARS:
        raise BadEnvironment(f"{name} has {len(value)} characters; a key needs {KEY_CHARS} or more.")
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
    raise BadEnvironment(f"{name} is {value!r}; it must be on or off.")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower() or default
    if value not in allowed:
        raise BadEnvironment(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def whole(name: str, default: int, low: int, high: int) -> int:
    """A whole number between low and high, both included."""
    raw = text(name)
    try:
        value = int(raw) if raw else default
    except ValueError:
        raise BadEnvironment(f"{name} is {raw!r}; it must be a whole number from {low} to {high}.") from None
    if not low <= value <= high:
        raise BadEnvironment(f"{name} is {value}; it must be a whole number from {low} to {high}.")
    return value


def words(name: str) -> list[str]:
    """A list with commas between its items."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def folder(name: str, default: Path, *, private: bool = False, written: bool = True) -> Path:
    """A folder, made if it is missing, and when it is private then for nobody else's eyes on this machine.

    Args:
        written: the running service writes there, so it must be able to.
    """
    path = Path(text(name) or default).expanduser().resolve()
    try:
        path.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise BadEnvironment(f"{name} is {str(path)!r}, and that folder cannot be made ({error.strerror}).") from None
    if written and not os.access(path, os.W_OK):
        raise BadEnvironment(f"{name} is {str(path)!r}, and this process may not write there.")
    return path


USUAL_PORTS = {"http": 80, "https": 443}


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
    parts = urlsplit(raw)
    try:
        bad_port = parts.port == 0
    except ValueError:
        bad_port = True
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or bad_port
        or parts.path
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise BadEnvironment(f"{name} is {raw!r}; it must look like https://chat.example.org, without a path.")
    try:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadEnvironment(f"{name} is {raw!r}, and that is no name of a host.") from None
    # As browsers write it, to the letter: they leave the usual port out, and sockets and forms compare exactly.
    port = "" if parts.port in {None, USUAL_PORTS[parts.scheme]} else f":{parts.port}"
    return PublicUrl(
        origin=f"{parts.scheme}://{host}{port}", host=host, is_https=parts.scheme == "https", port=parts.port or USUAL_PORTS[parts.scheme]
    )


PATIENT_LINE = {"connect_timeout": 2, "keepalives_idle": 10, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 8_000}
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
            raise BadEnvironment(f"{name} must begin with postgres:// (or be empty for SQLite).")
        try:
            config = env.dj_db_url(name)
        except (EnvError, ValueError):
            raise BadEnvironment(f"{name} cannot be read; it must look like postgres://user:password@host:5432/name.") from None
        # Only here: the driver is slow to load, and SQLite wants none.
        from dm_project.patience import PatientConnection

        config["CONN_MAX_AGE"] = 0
        # After a restart of the server all kept connections are dead, and must not fail one request each.
        config["CONN_HEALTH_CHECKS"] = True
        # A machine that vanishes sends no farewell: its connections are found dead within seconds, not the hours that kernels wait.
        # Whoever names other values in the address wins.
        config["OPTIONS"] = {**PATIENT_LINE, **config.get("OPTIONS", {}), "pool": {**POOL, "connection_class": PatientConnection}}
        return dict(config)
    if raw:
        path = raw.split("://", 1)[1] if "://" in raw else ""
        sqlite_file = (
            Path(path[1:] if path.startswith("//") or not path.startswith("/") else path).expanduser() if path.strip("/") else sqlite_file
        )
        if not sqlite_file.is_absolute():
            sqlite_file = ROOT / sqlite_file
        if not sqlite_file.parent.is_dir():
            raise BadEnvironment(f"{name} names a file in {str(sqlite_file.parent)!r}, and there is no such folder.")
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
        raise BadEnvironment(f"{name} must begin with redis://, rediss:// or unix:// (or be empty for a single process).")
    return value


MAIL_WAYS = {"smtp": (25, {}), "smtp+tls": (587, {"EMAIL_USE_TLS": True}), "smtp+ssl": (465, {"EMAIL_USE_SSL": True})}
"""Scheme of EMAIL_URL: usual port, and how the line is secured. The common parser of such addresses drops what it does not know and would
send passwords in the clear."""


def email(name: str = "EMAIL_URL") -> dict[str, object]:
    """Django's EMAIL_* settings from one address, or nothing when mail is not configured.

    `console:` prints mails, `file:///folder` writes them: for trying out.
    """
    raw = text(name)
    if not raw:
        return {}
    parts = urlsplit(raw)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "file" and parts.path.strip("/"):
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme not in MAIL_WAYS or not parts.hostname or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadEnvironment(f"{name} cannot be read; it must look like smtp+tls://user:password@mail.example.org:587.")
    usual_port, secured = MAIL_WAYS[parts.scheme]
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or usual_port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        **secured,
    }


def write_missing_keys(path: Path = ROOT / ".env") -> list[str]:
    """Write the keys that are missing from `.env`, readable for the owner only.

    Returns:
        The names that were written.
    """
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    set_here = {line.split("=", 1)[0].strip() for line in present.splitlines() if "=" in line and line.split("=", 1)[1].strip()}
    missing = [name for name in KEYS if name not in set_here and not os.environ.get(name)]
    if missing:
        lines = "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in missing)
        gap = "" if not present or present.endswith("\n") else "\n"
        # Made with its mode from the first byte on, so that nobody reads the keys in between.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(gap + lines)
        path.chmod(0o600)
    return missing


def main(argv: list[str]) -> None:
    if argv:
        read_file()
        sys.stdout.write(f"{text(argv[0])}\n")
        return
    written = write_missing_keys()
    sys.stdout.write(f"wrote {', '.join(written)} into .env\n" if written else "")


if __name__ == "__main__":
    main(sys.argv[1:])
