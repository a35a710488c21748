"""Selects Django's settings module.

Called first by every entry point; needs neither Django nor any other package.
"""

import importlib.util
import os

NAME = "DJANGO_SETTINGS_MODULE"
OURS = "dm_project.settings"


def choose() -> None:
    """Ours, unless the environment names another one that exists (tests do).

    Raises:
        SystemExit: it names settings of another project, which shells and editors of Django developers often
            export.
    """
    name = os.environ.get(NAME) or OURS
    os.environ[NAME] = name
    try:
        exists = importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        exists = False
    if not exists:
        raise SystemExit(
            f"Entre cannot start: {NAME} is {name!r} in the environment of this process, "
            "and there is no such module here. Unset it."
        )
