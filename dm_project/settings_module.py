"""Which settings Django loads. Called first by everything that starts a process; asks neither Django nor any other package."""

import importlib.util
import os

NAME = "DJANGO_SETTINGS_MODULE"
OURS = "dm_project.settings"


def choose() -> None:
    """Ours, unless the environment names others that exist (tests do).

    Raises:
        SystemExit: it names settings of another project, as shells and editors of people with several Django projects export them.
    """
    name = os.environ.get(NAME) or OURS
    os.environ[NAME] = name
    try:
        is_there = importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        is_there = False
    if not is_there:
        raise SystemExit(
            f"Entre cannot start: {NAME} is {name!r} in the environment of this process, and there is no such module here. Unset it."
        )
