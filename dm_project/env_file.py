"""The file `.env`: read and written by one parser, python-dotenv's, so that a key in any form that is read is never written again.

Called by `env` only. Nothing here asks Django.
"""

import io
import os
import secrets
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / ".env"
KEYS = ("SECRET_KEY", "ROOM_NAME_KEY", "INVITE_KEY")


class BadEnvironment(SystemExit):
    """A value from the environment that cannot be used. Ends the process with its sentence and without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Entre cannot start: {sentence}")


def text_of(path: Path) -> str:
    """What stands in the file; nothing when there is none. A byte order mark, as Windows editors write it, is no part of the text.

    Raises:
        BadEnvironment: it may not be read, or is not in UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise BadEnvironment(
            f"{path} cannot be read ({error.strerror}). It must be a file that belongs to the user who runs Entre."
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadEnvironment(f"{path} is not in UTF-8 (line {line}). Save it as UTF-8.") from None
    if "\0" in text:
        raise BadEnvironment(f"{path} is not in UTF-8, maybe in UTF-16. Save it as UTF-8.")
    return text


def values_in(path: Path) -> dict[str, str]:
    """Every value of the file by its name, with quotes, `export`, comments and `${NAME}` understood.

    Raises:
        BadEnvironment: also for a line that is none of these. It may be a key, and must not be passed over; it is not repeated, either.
    """
    text = text_of(path)
    for found in parse_stream(io.StringIO(text)):
        if found.error:
            lead = found.original.string[: len(found.original.string) - len(found.original.string.lstrip())]
            line = found.original.line + lead.count("\n")
            raise BadEnvironment(
                f"line {line} of {path} cannot be read. It must look like NAME=value; quotes must be closed."
            )
    return {
        name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None
    }


def names_written_in(path: Path) -> set[str]:
    """Names that have some value there, also one that comes from elsewhere and is empty now: SECRET_KEY=${FROM_THE_VAULT}."""
    written = {
        found.key
        for found in parse_stream(io.StringIO(text_of(path)))
        if found.key and (found.value or "").strip()
    }
    return written | {name for name, value in values_in(path).items() if value.strip()}


def write_missing_keys(path: Path = FILE) -> list[str]:
    """Write the keys that are missing from `.env`, readable for the owner only.

    Returns:
        The names that were written.

    Raises:
        BadEnvironment: the file cannot be read or written.
    """
    present = text_of(path)
    names = names_written_in(path)
    missing = [name for name in KEYS if name not in names and not os.environ.get(name)]
    if missing:
        lines = "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in missing)
        gap = "" if not present or present.endswith("\n") else "\n"
        try:
            # Made with its mode from the first byte on, so that nobody reads the keys in between.
            with os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
            ) as file:
                file.write(gap + lines)
            path.chmod(0o600)
        except OSError as error:
            raise BadEnvironment(
                f"{path} cannot be written ({error.strerror}), and these are not set: {', '.join(missing)}."
            ) from None
    return missing
