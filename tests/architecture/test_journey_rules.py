"""Rules that keep journeys reliable: no assertion of a remote fact after a local event, no waiting for time.

A page draws a message before the server stores it. A test that sees the message and then asks the server
once is a race, and fails on a busy machine.
"""

import ast
from pathlib import Path

import pytest

JOURNEYS = sorted((Path(__file__).resolve().parents[1] / "journeys").glob("test_*.py"))


def name_of(path: Path) -> str:
    return path.name


def is_read_of_the_api(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "api"
        and bool(node.args)
        and ast.unparse(node.args[0]) in {"'GET'"}
    )


def asserted_reads(tree: ast.AST) -> list[int]:
    """Lines of `assert` that read a body through the API. A status code is allowed: no page changes it."""
    return [
        statement.lineno
        for statement in ast.walk(tree)
        if isinstance(statement, ast.Assert)
        and any(is_read_of_the_api(node) for node in ast.walk(statement))
        and ".status_code" not in ast.unparse(statement.test)
    ]


def reads_of_messages(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if is_read_of_the_api(node) and "/messages" in ast.unparse(node)
    ]


@pytest.mark.parametrize("path", JOURNEYS, ids=name_of)
def test_journeys_wait_for_what_the_server_stores(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert asserted_reads(tree) == [], (
        "use Visitor.until_stored or Visitor.until_equal: what is drawn may not be stored yet"
    )
    assert reads_of_messages(tree) == [], "use Visitor.until_stored"


@pytest.mark.parametrize("path", JOURNEYS, ids=name_of)
def test_no_journey_waits_for_a_fixed_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "wait_for_timeout" not in text, (
        "wait for the event that you mean, or install the page's clock and advance it"
    )
    assert "time.sleep" not in text


def test_the_rule_finds_a_race() -> None:
    racing = ast.parse(
        "assert [m for m in bob.person.api('GET', f'/conversations/{room}/messages').json()['items']] == []"
    )
    assert asserted_reads(racing) == reads_of_messages(racing) == [1]
    assert asserted_reads(ast.parse("assert bob.person.api('GET', '/me').status_code == 200")) == []
