"""The environment of a started service, without values of the machine's `.env` or environment."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from dm_project.env_file import BadEnvironment

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "SECRET_KEY": "tests-secret-key-0123456789-0123456789",
    "ROOM_NAME_KEY": "tests-room-name-key-0123456789-01234",
    "INVITE_KEY": "tests-invite-key-0123456789-0123456789",
}


def setting_names() -> list[str]:
    """All environment variables of the service, as listed in `.env.example`."""
    return re.findall(
        r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
    )


def clean_environment() -> dict[str, str]:
    """This environment with our variables blank (not absent: `.env` would fill absent ones)."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DJANGO_SETTINGS_MODULE", "TEST_DATABASE_URL"}
    }
    return {**kept, **dict.fromkeys(setting_names(), ""), **KEYS, "PYTHONUNBUFFERED": "1"}


def startup_error(function: Callable[..., object], *args: object, **options: object) -> str:
    """The one sentence with which an invalid environment ends the start."""
    try:
        function(*args, **options)
    except BadEnvironment as error:
        text = str(error)
    else:
        raise AssertionError("the invalid value was accepted")
    assert text.startswith("Entre cannot start: ")
    assert "\n" not in text
    return text
