"""docs/protocol.md equals the code: frames with fields and examples, objects, codes, limits and routes."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pydantic import BaseModel

from accounts.models import User
from conversations import frames
from conversations.api import api
from conversations.api.problems import STATUS
from conversations.protocol import objects
from conversations.protocol.codes import RETRYABLE, CloseCode, ErrorCode
from conversations.protocol.commands import COMMANDS, Command
from conversations.protocol.events import EVENTS
from conversations.protocol.frames import Frame
from conversations.protocol.objects import WireObject
from conversations.protocol.replies import REPLIES
from conversations.protocol.text import BODY_CHARS, MARKS_PER_BASE
from conversations.rooms import room_name
from tests.protocol.golden import GOLDEN, golden

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
SERVER_FRAMES: dict[str, type[Frame]] = {
    frame.model_fields["type"].default: frame for frame in (*EVENTS, *REPLIES)
}
OBJECTS = {
    name.lower(): model
    for name, model in vars(objects).items()
    if isinstance(model, type) and issubclass(model, WireObject)
}
OBJECTS.pop("wireobject")


def chapter(title: str) -> str:
    """The text below a heading, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$", PAGE, re.MULTILINE)
    assert found, f"no heading {title!r}"
    rest = PAGE[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def subheadings(title: str) -> list[str]:
    return [heading.strip("`") for heading in re.findall(r"^#### (.+)$", chapter(title), re.MULTILINE)]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, without its header."""
    lines = dropwhile(lambda line: not line.startswith("|"), text.splitlines())
    table = list(takewhile(lambda line: line.startswith("|"), lines))
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table[2:]]


def documented_fields(text: str) -> list[str]:
    return [row[0] for row in rows(text)]


def fields_of_command(model: type[Command]) -> list[str]:
    return [
        f"{name}{'' if field.is_required() else '?'}"
        for name, field in model.model_fields.items()
        if name != "type"
    ]


def fields_of_frame(model: type[Frame]) -> list[str]:
    return [f"{name}{'?' if name in model.optional else ''}" for name in model.model_fields if name != "type"]


def fields_of_object(model: type[BaseModel]) -> list[str]:
    return [f"{name}{'' if field.is_required() else '?'}" for name, field in model.model_fields.items()]


# --- Frames ---


@pytest.mark.parametrize(
    ("title", "types"),
    [
        ("Commands", list(COMMANDS)),
        ("Events", [frame.model_fields["type"].default for frame in EVENTS]),
        ("Replies", [frame.model_fields["type"].default for frame in REPLIES]),
    ],
)
def test_frames_of_the_page_are_those_of_the_protocol(title: str, types: list[str]) -> None:
    """In both directions: the page shows no frame that is planned and not built."""
    assert subheadings(title) == types


@pytest.mark.parametrize("type", COMMANDS)
def test_fields_of_a_command_are_those_of_its_model(type: str) -> None:
    assert documented_fields(chapter(f"`{type}`")) == fields_of_command(COMMANDS[type])


@pytest.mark.parametrize("type", SERVER_FRAMES)
def test_fields_of_a_frame_are_those_of_its_model(type: str) -> None:
    assert documented_fields(chapter(f"`{type}`")) == fields_of_frame(SERVER_FRAMES[type])


@pytest.mark.parametrize("type", GOLDEN)
def test_example_is_the_golden_one(type: str) -> None:
    assert re.findall(r"```json\n(.*?)```", chapter(f"`{type}`"), re.DOTALL) == [GOLDEN[type]]


def test_objects_of_the_page_are_those_of_the_wire() -> None:
    assert {title.lower() for title in subheadings("Objects")} == set(OBJECTS)


@pytest.mark.parametrize("name", OBJECTS)
def test_fields_of_an_object_are_those_of_its_model(name: str) -> None:
    assert documented_fields(chapter(name.capitalize())) == fields_of_object(OBJECTS[name])


# --- Codes ---


def test_each_error_code_has_its_status_and_whether_to_retry() -> None:
    documented = {code: (again, status) for code, again, status, _ in rows(chapter("Error codes"))}
    assert documented == {
        code.value: ("yes" if code in RETRYABLE else "no", str(STATUS.get(code, "–"))) for code in ErrorCode
    }


def test_each_close_code_has_its_reason_and_whether_to_retry() -> None:
    table = chapter("4. Sockets").partition("| code |")[2]
    documented = {row[0]: (row[1], row[2]) for row in rows("| code |" + table)}
    assert documented == {
        str(int(code)): (code.reason, "no" if code.is_final else "yes") for code in CloseCode
    }


# --- Numbers ---


def test_limits_are_those_in_force() -> None:
    documented = {name: number for name, number, _, _ in rows(chapter("Limits"))}
    assert {
        name: str(number) for name, number in settings.LIMIT_NUMBERS.items()
    }.items() <= documented.items()
    assert documented["body_chars"] == str(BODY_CHARS)
    assert f"1 to {BODY_CHARS:,} code points" in PAGE
    assert f"at most {MARKS_PER_BASE} marks on one letter" in PAGE


def test_limits_of_the_greeting_are_those_of_the_page_and_of_the_example(alice: User, settings: Any) -> None:
    settings.LIMITS = True
    greeting = frames.greeting(alice, None)
    documented = {
        name: int(number) for name, number, is_told, _ in rows(chapter("Limits")) if is_told == "yes"
    }
    assert greeting.limits == golden("connection_established")["limits"]
    assert documented == flat(greeting.limits)


def flat(limits: dict[str, Any]) -> dict[str, float]:
    """With the limits of files as `attachments.<name>`."""
    files = {f"attachments.{name}": number for name, number in limits["attachments"].items()}
    return {name: number for name, number in limits.items() if name != "attachments"} | files


def test_example_of_a_room_name_is_true() -> None:
    example = re.search(r"key `([^`]+)` the users 1 and 2 have the room `([^`]+)`", PAGE)
    assert example
    key, name = example.groups()
    assert room_name(1, 2, key=key.encode()) == name
    assert golden("message.send")["room"] == name


# --- Routes ---


def test_routes_of_the_page_are_those_of_the_api() -> None:
    paths: dict[str, dict[str, Any]] = api.get_openapi_schema()["paths"]
    routes = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
    }
    assert {row[0] for row in rows(chapter("7. HTTP API"))} == routes


def test_each_link_within_the_page_leads_to_a_heading() -> None:
    headings = [heading.lower() for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)]
    anchors = {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
