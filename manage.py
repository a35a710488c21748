#!/usr/bin/env python
"""Starts Django's commands; nothing else."""

import sys

from dm_project import settings_module


def main() -> None:
    settings_module.choose()
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed here. `make run` builds the environment;"
            " then use .venv/bin/python manage.py."
        ) from error
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
