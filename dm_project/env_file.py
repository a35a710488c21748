"""Reads and writes the file `.env` with one parser, python-dotenv: a key that it reads is not written again.

Called by `env` only. Does not need Django.
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
    """An invalid value in the environment. Ends the process with this sentence and without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Entre cannot start: {sentence}")


def read_text(path: Path) -> str:
    """The content of the file without a byte order mark, which Windows editors write; empty when there is no
    file.

    Raises:
        BadEnvironment: the file is not readable, or not in UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise BadEnvironment(
            f"{path} cannot be read ({error.strerror}). "
            "It must be a file that belongs to the user who runs Entre."
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
    """All values of the file by name. Understands quotes, `export`, comments and `${NAME}`.

    Raises:
        BadEnvironment: also for a line that cannot be parsed. It may be a key, so it is neither skipped nor
            repeated in the error.
    """
    text = read_text(path)
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            original = binding.original.string
            lead = original[: len(original) - len(original.lstrip())]
            line = binding.original.line + lead.count("\n")
            raise BadEnvironment(
                f"line {line} of {path} cannot be read. It must look like NAME=value; quotes must be closed."
            )
    return {
        name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None
    }


def names_with_value(path: Path) -> set[str]:
    """Names that have a value in the file, even one that expands to nothing now:
    SECRET_KEY=${FROM_THE_VAULT}.
    """
    written = {
        binding.key
        for binding in parse_stream(io.StringIO(read_text(path)))
        if binding.key and (binding.value or "").strip()
    }
    return written | {name for name, value in values_in(path).items() if value.strip()}


def write_missing_keys(path: Path = FILE) -> list[str]:
    """Write the keys that `.env` lacks, readable for its owner only.

    Returns:
        The names that were written.

    Raises:
        BadEnvironment: the file cannot be read or written.
    """
    present = read_text(path)
    names = names_with_value(path)
    missing = [name for name in KEYS if name not in names and not os.environ.get(name)]
    if missing:
        lines = "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in missing)
        gap = "" if not present or present.endswith("\n") else "\n"
        try:
            # Created with its final mode, so that no other user can read the keys in between.
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
