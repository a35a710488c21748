"""deploy/Dockerfile can be built: what it copies is what Docker is sent. Read, not run: no Docker is needed here."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.rig.containers import DOCKERFILE, copied_from_context, is_sent
from tests.rig.environment import ROOT

IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
SOURCES = [source for source in copied_from_context(DOCKERFILE.read_text(encoding="utf-8")) if source != "."]


def tracked_like(source: str) -> list[str]:
    """Files of the folder that this source of a COPY names."""
    return [path.name for path in ROOT.iterdir() if fnmatch(path.name, source.removeprefix("./").rstrip("/"))]


def test_the_dockerfile_copies_both_lists_of_pins() -> None:
    assert SOURCES == ["requirements.txt", "requirements-static.txt"]


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_that_the_dockerfile_copies_passes_the_ignore_list(source: str) -> None:
    names = tracked_like(source)
    assert names, f"COPY {source}: there is no such file"
    assert [name for name in names if not is_sent(name, IGNORE)] == []


@pytest.mark.parametrize(
    "path", [".env", "data/entre.sqlite3", ".git/config", ".venv/bin/python", "tests/conftest.py", "deploy/compose.yaml"]
)
def test_secrets_and_what_the_service_does_not_need_stay_out_of_the_image(path: str) -> None:
    assert not is_sent(path, IGNORE)


@pytest.mark.parametrize("path", ["dm_project/__pycache__/env.cpython-312.pyc", "conversations/api/__pycache__/urls.cpython-312.pyc"])
def test_what_python_compiled_here_stays_here(path: str) -> None:
    assert not is_sent(path, IGNORE)


@pytest.mark.parametrize("path", ["manage.py", "dm_project/server.py", "static/js/net/socket.js", "locale/ru/LC_MESSAGES/django.mo"])
def test_what_the_service_needs_is_in_the_image(path: str) -> None:
    assert (ROOT / path).is_file()
    assert is_sent(path, IGNORE)


def test_every_line_of_the_ignore_list_that_lets_something_through_names_something() -> None:
    kept = [line.removeprefix("!") for line in IGNORE.splitlines() if line.startswith("!")]
    assert [name for name in kept if not Path(ROOT, name).exists()] == []
