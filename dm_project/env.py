"""Typed readers for environment variables; an invalid value stops the start with one clear sentence.

Called by settings only. Values come from the process environment first, then from `.env` beside manage.py.
`python -m dm_project.env` writes the keys that `.env` lacks; with a name, it prints that value.
"""

import os
import sys
import unicodedata
from pathlib import Path

from dm_project import env_file, private_files
from dm_project.env_file import BadEnvironment as BadEnvironment
from dm_project.env_file import write_missing_keys as write_missing_keys

ROOT = env_file.ROOT
KEYS = env_file.KEYS
MIN_KEY_CHARS = 32
"""192 bits when written in base64."""

FORBIDDEN_CATEGORIES = {"Cc", "Zl", "Zp"}
"""Unicode categories of characters that end a line or move the cursor. Email headers would break at them."""

names_from_file: set[str] = set()
"""Names whose value came from `.env`, not from the environment of the process."""
overridden_names: set[str] = set()
"""Names that have another value in `.env` than in the environment of the process, which wins."""


def invalid(name: str, sentence: str) -> BadEnvironment:
    """The error for an invalid value.

    Says when the value is not from `.env`: shells and Conda export a HOST, other tools a DEBUG.
    """
    return BadEnvironment(
        f"{sentence} {name} comes from the environment of this process, not from .env."
        if is_ambient(name)
        else sentence
    )


def is_ambient(name: str) -> bool:
    """Has a value that the environment of this process brought, not `.env`."""
    return bool(os.environ.get(name, "").strip()) and name not in names_from_file


def read_file(path: Path = env_file.FILE) -> None:
    """Load `.env`; values in the process environment win over it."""
    for name, value in env_file.values_in(path).items():
        if os.environ.setdefault(name, value) == value:
            names_from_file.add(name)
        elif value.strip():
            overridden_names.add(name)


def raw_text(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if any(unicodedata.category(letter) == "Cs" for letter in value):
        # Python's surrogates for bytes that are not UTF-8. The first page that shows them would fail.
        raise invalid(name, f"{name} is not in UTF-8.")
    return value


def text(name: str, default: str = "") -> str:
    """An empty value means the default, as `.env.example` promises: `SITE_NAME=` does not remove the name."""
    value = raw_text(name) or default
    if not value.isprintable() and any(
        unicodedata.category(letter) in FORBIDDEN_CATEGORIES for letter in value
    ):
        raise invalid(name, f"{name} has a line break or another character that cannot be shown.")
    return value


def key(name: str) -> str:
    """A secret key. Raises BadEnvironment when it is missing or too short."""
    value = text(name)
    if not value:
        if name in overridden_names:
            raise BadEnvironment(
                f"{name} is set in .env, but is empty in the environment of this process, which wins. "
                "Unset it there."
            )
        raise BadEnvironment(
            f"{name} is not set. `make run` writes one into .env; elsewhere set it to {MIN_KEY_CHARS} or "
            "more random characters."
        )
    if len(value) < MIN_KEY_CHARS:
        raise invalid(name, f"{name} has {len(value)} characters; a key needs {MIN_KEY_CHARS} or more.")
    return value


def boolean(name: str, default: bool) -> bool:
    """on or off (also true/false, yes/no, 1/0)."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"on", "true", "yes", "1"}:
        return True
    if value in {"off", "false", "no", "0"}:
        return False
    raise invalid(name, f"{name} is {value!r}; it must be on or off.")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower() or default
    if value not in allowed:
        raise invalid(name, f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def integer(name: str, default: int, low: int, high: int) -> int:
    """A whole number between low and high, both included."""
    raw = text(name)
    try:
        value = int(raw) if raw else default
    except ValueError:
        raise invalid(name, f"{name} is {raw!r}; it must be a whole number from {low} to {high}.") from None
    if not low <= value <= high:
        raise invalid(name, f"{name} is {value}; it must be a whole number from {low} to {high}.")
    return value


def string_list(name: str) -> list[str]:
    """A list separated by commas. In quotes, it may take several lines."""
    return [item.strip() for item in raw_text(name).split(",") if item.strip()]


def directory(name: str, default: Path, *, private: bool = False, writable: bool = True) -> Path:
    """A directory, created if it is missing; if private, without access for other users of this machine.

    Args:
        writable: the running service writes there, so it must be able to.
    """
    path = Path(text(name) or default).expanduser().resolve()
    try:
        path.mkdir(mode=private_files.DIRECTORY if private else 0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise invalid(
            name, f"{name} is {str(path)!r}, and that directory cannot be created ({error.strerror})."
        ) from None
    if writable and not os.access(path, os.W_OK):
        raise invalid(name, f"{name} is {str(path)!r}, and this process cannot write there.")
    return path


def main(argv: list[str]) -> None:
    if argv:
        read_file()
        sys.stdout.write(f"{text(argv[0])}\n")
        return
    written = write_missing_keys()
    sys.stdout.write(f"wrote {', '.join(written)} into .env\n" if written else "")


if __name__ == "__main__":
    main(sys.argv[1:])
