"""deploy/Dockerfile copies only files in the build context, and compose.yaml passes .env on.

Parsed, not run.
"""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo
import pytest
import yaml

from dm_project import env_urls
from tests.rig.containers import DOCKERFILE, copied_from_context, is_sent
from tests.rig.environment import ROOT

IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
SOURCES = [source for source in copied_from_context(DOCKERFILE.read_text(encoding="utf-8")) if source != "."]


def tracked_like(source: str) -> list[str]:
    """Files that this source of a COPY matches."""
    return [path.name for path in ROOT.iterdir() if fnmatch(path.name, source.removeprefix("./").rstrip("/"))]


def test_the_dockerfile_copies_both_lists_of_pins() -> None:
    assert SOURCES == ["requirements.txt", "requirements-static.txt"]


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_that_the_dockerfile_copies_passes_the_ignore_list(source: str) -> None:
    names = tracked_like(source)
    assert names, f"COPY {source}: no such file"
    assert [name for name in names if not is_sent(name, IGNORE)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "data/entre.sqlite3",
        ".git/config",
        ".venv/bin/python",
        "tests/conftest.py",
        "deploy/compose.yaml",
    ],
)
def test_secrets_and_unneeded_files_stay_out_of_the_image(path: str) -> None:
    assert not is_sent(path, IGNORE)


@pytest.mark.parametrize(
    "path",
    ["dm_project/__pycache__/env.cpython-312.pyc", "conversations/api/__pycache__/urls.cpython-312.pyc"],
)
def test_compiled_python_files_stay_out_of_the_image(path: str) -> None:
    assert not is_sent(path, IGNORE)


@pytest.mark.parametrize(
    "path",
    [
        "manage.py",
        "dm_project/server/command.py",
        "static/js/net/socket.js",
        "locale/ru/LC_MESSAGES/django.mo",
    ],
)
def test_files_that_the_service_needs_are_in_the_image(path: str) -> None:
    assert (ROOT / path).is_file()
    assert is_sent(path, IGNORE)


def test_every_exception_in_the_ignore_list_names_an_existing_path() -> None:
    kept = [line.removeprefix("!") for line in IGNORE.splitlines() if line.startswith("!")]
    assert [name for name in kept if not Path(ROOT, name).exists()] == []


# --- compose.yaml ---

COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
APP: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]["app"]


def filled(text: str, values: dict[str, str]) -> str:
    """As Compose expands ${NAME:-default} and ${NAME:?sentence}; a missing required name is a KeyError."""

    def value(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        return values.get(name, rest) if how == ":-" else values[name]

    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


def test_the_documented_command_names_the_env_file() -> None:
    """By default Compose reads ${...} from the directory of compose.yaml, which has no .env."""
    pages = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in ("deploy/compose.yaml", "docs/operate.md", "README.md")
    }
    commands = [line for text in pages.values() for line in text.splitlines() if "docker compose" in line]
    assert commands
    assert [line for line in commands if "--env-file .env" not in line] == []


def test_no_password_has_a_default_value() -> None:
    wanted = re.findall(r"\$\{(\w*PASSWORD)([^}]{0,2})", COMPOSE)
    assert {name for name, _ in wanted} >= {"POSTGRES_PASSWORD"}
    assert {how for _, how in wanted} == {":?"}
    with pytest.raises(KeyError):
        filled(COMPOSE, {})


@pytest.mark.parametrize(
    "password", ["plain", "a/b#c?d[e]f@g:h%i", "p%2Fw", "ключ и пробел", "back\\slash\"'"]
)
def test_any_password_reaches_the_database(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        name: filled(value, {"POSTGRES_PASSWORD": password, "REDIS_PASSWORD": "x"})
        for name, value in APP["environment"].items()
    }
    for name in ("DATABASE_URL", "PGPASSWORD"):
        monkeypatch.setenv(name, given[name])
    config: Any = env_urls.database("DATABASE_URL", Path("unused"), wal=True)
    assert (config["USER"], config["HOST"], config["NAME"], config["PASSWORD"]) == (
        "entre",
        "database",
        "entre",
        "",
    )
    # Without a password in the URL, libpq reads its own variable.
    assert "password" not in psycopg.conninfo.conninfo_to_dict(
        host=config["HOST"], user=config["USER"], dbname=config["NAME"]
    )
    defaults = {option.keyword.decode(): option.val for option in psycopg.pq.Conninfo.get_defaults()}
    assert defaults["password"] == password.encode()


def test_paths_of_the_host_do_not_enter_the_container() -> None:
    """The whole .env is passed; its DATA_DIR and STATIC_ROOT are directories that the container neither has
    nor can create.
    """
    assert APP["environment"].items() >= {"DATA_DIR": "/data", "HOST": "0.0.0.0", "PORT": "8000"}.items()
    places = dict(
        found.split("=", 1)
        for found in re.findall(r"\b(?:DATA_DIR|STATIC_ROOT)=\S+", DOCKERFILE.read_text(encoding="utf-8"))
    )
    assert APP["environment"]["STATIC_ROOT"] == places["STATIC_ROOT"]
    assert "data:/data" in APP["volumes"]


# --- The worker ---

SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
WORKER: dict[str, Any] = SERVICES["worker"]
STOP_SECONDS = 15
"""A server and a worker end within ten; Compose kills after ten if it is told nothing."""


def test_the_worker_starts_only_with_its_profile_and_runs_jobs() -> None:
    assert WORKER["profiles"] == ["worker"]
    assert WORKER["command"] == ["python", "-m", "dm_project.worker"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["worker"]
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    assert "--profile worker" in page


def test_the_worker_has_what_the_service_has_and_no_port() -> None:
    """The same database, keys and files; it answers no request and does not migrate."""
    own = {"profiles", "command", "ports", "healthcheck", "depends_on"}
    assert {key: value for key, value in WORKER.items() if key not in own} == {
        key: value for key, value in APP.items() if key not in own
    }
    assert WORKER["ports"] == []
    assert WORKER["depends_on"] == {"app": {"condition": "service_healthy"}}
    # The image's own check asks for a page, which a worker does not have.
    assert WORKER["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", ["app", "worker"])
def test_compose_waits_longer_than_a_clean_end_takes(name: str) -> None:
    seconds = re.fullmatch(r"(\d+)s", SERVICES[name]["stop_grace_period"])
    assert seconds is not None
    assert int(seconds[1]) >= STOP_SECONDS
