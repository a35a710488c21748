"""Pages that match the code: settings, commands of make, frames, codes, routes, files and links."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from conversations.api import api
from conversations.protocol import codes, commands, events, replies
from tests.protocol.golden import GOLDEN

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def wire_types() -> list[str]:
    """The literal type name of every frame of the protocol."""
    names = set()
    for module in (commands, events, replies):
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, BaseModel) and "type" in member.model_fields:
                names.update(get_args(member.model_fields["type"].annotation))
    return sorted(names)


def read_settings() -> set[str]:
    name = r'"([A-Z][A-Z0-9_]+)"'
    readers = rf"env(?:_urls|_files)?\.\w+\(\s*{name}|environ(?:\.get\(|\[)\s*{name}|name: str = {name}"
    found: set[str] = {"SECRET_KEY", "ROOM_NAME_KEY", "INVITE_KEY"}
    for path in (ROOT / "dm_project").glob("*.py"):
        found.update(
            name for names in re.findall(readers, path.read_text(encoding="utf-8")) for name in names if name
        )
    return found - {"DJANGO_SETTINGS_MODULE"}


def explained_settings() -> set[str]:
    return set(re.findall(r"^([A-Z][A-Z0-9_]+)=", page(".env.example"), re.MULTILINE))


def test_the_settings_of_env_example_are_those_that_the_code_reads() -> None:
    assert explained_settings() == read_settings()


def test_every_make_target_is_in_the_readme() -> None:
    targets = set(re.findall(r"^([a-z-]+):[^\n]*##", page("Makefile"), re.MULTILINE)) - {"help"}
    missing = {target for target in targets if f"make {target}" not in page("README.md")}
    assert missing == set()


def test_each_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    text = "".join(
        page(str(path.relative_to(ROOT)))
        for path in (ROOT / "README.md", ROOT / "docs" / "operate.md", ROOT / "SECURITY.md")
    )
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("type_name", wire_types())
def test_every_frame_is_in_the_protocol_page(type_name: str) -> None:
    assert f"`{type_name}`" in page("docs/protocol.md")


@pytest.mark.parametrize("code", [*codes.ErrorCode, *codes.CloseCode], ids=str)
def test_every_code_is_in_the_protocol_page(code: Any) -> None:
    assert re.search(rf"\b{code.value}\b", page("docs/protocol.md"))


@pytest.mark.parametrize("type_name", sorted(GOLDEN))
def test_every_golden_example_stands_in_the_protocol_page(type_name: str) -> None:
    assert GOLDEN[type_name].strip() in page("docs/protocol.md")


def test_every_route_of_the_api_is_in_the_protocol_page() -> None:
    described = {
        f"`{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    assert {route for route in described if route.rstrip("/") not in page("docs/protocol.md")} == set()


def test_thirty_terms_of_the_field_lead_to_a_file() -> None:
    """That the files exist is checked for all pages by test_citations."""
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+`) \|$", page("docs/where.md"), flags=re.MULTILINE)
    assert len(rows) >= 30
    assert len({term for term, _ in rows}) == len(rows)


FIRST_LINES = {
    "thread pool": "conversations/db/executor.py",
    "circuit breaker": "conversations/db/errors.py",
    "poller": "conversations/monitors/changes.py",
    "back-pressure": "dm_project/server/backpressure.py",
    "graceful shutdown": "dm_project/server/shutdown.py",
    "admission control": "dm_project/handshakes/limit.py",
    "group commit": "conversations/journal/batch.py",
    "single writer thread": "conversations/journal/writer.py",
    "unit of work": "conversations/journal/unit_of_work.py",
    "idempotency": "conversations/journal/fingerprint.py",
    "token bucket": "conversations/throttling/buckets.py",
    "channel layer": "conversations/channel_layers/local.py",
    "publisher": "conversations/delivery.py",
    "presence": "conversations/presence.py",
    "command handlers": "conversations/consumers/commands.py",
    "brute force": "accounts/login_attempts.py",
}


@pytest.mark.parametrize(("term", "file"), FIRST_LINES.items())
def test_the_first_line_of_a_module_has_the_term_of_the_field(term: str, file: str) -> None:
    """A search for the term finds the module, and docs/where.md names the file."""
    assert term in page(file).splitlines()[0].lower()
    assert file in page("docs/where.md")


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_each_link_between_pages_leads_to_a_file(path: Path) -> None:
    links = [
        link.split("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert [link for link in links if link and not (path.parent / link).exists()] == []
