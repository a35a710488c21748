"""The markup of messages: the golden cases that JavaScript shares, the HTML, and the cost of hostile text."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.protocol.links import links_in
from conversations.protocol.markup import html_of, parse_markup, plain_text
from conversations.protocol.markup.nodes import Fence, Items, Lines, Link, Quote, Span, Text

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MARKUP = json.loads((GOLDEN / "markup.json").read_text(encoding="utf-8"))
LINKS = json.loads((GOLDEN / "links.json").read_text(encoding="utf-8"))


def node(found: Any) -> Any:
    match found:
        case Text(text):
            return text
        case Link(text, _, href):
            return ["link", text, href]
        case Span(kind, nodes):
            return [kind, *map(node, nodes)]


def block(found: Any) -> Any:
    match found:
        case Lines(nodes):
            return ["lines", *map(node, nodes)]
        case Fence(nodes):
            return ["fence", *map(node, nodes)]
        case Quote(blocks):
            return ["quote", *map(block, blocks)]
        case Items(items):
            return ["list", *([item.number, *map(node, item.nodes)] for item in items)]


def cases(groups: Any) -> list[Any]:
    return [
        pytest.param(case, id=f"{group['says']}-{index}")
        for group in groups
        for index, case in enumerate(group["cases"])
    ]


@pytest.mark.parametrize("case", cases(MARKUP))
def test_a_body_is_parsed_as_in_the_browser(case: dict[str, Any]) -> None:
    assert list(map(block, parse_markup(case["text"]))) == case["is"]
    assert plain_text(case["text"]) == case["plain"]


@pytest.mark.parametrize("case", cases(LINKS))
def test_links_are_found_as_in_the_browser(case: dict[str, Any]) -> None:
    found = [{"shown": link.text, "href": link.href} for link in links_in(case["text"])]
    assert found == case["links"]


# --- HTML ---


def test_every_kind_of_markup_has_its_element() -> None:
    assert html_of("*a* _b_ ~c~ `d`") == "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>"
    assert html_of("```\na\n```") == '<pre dir="auto">\n<code>a</code></pre>'
    assert html_of("> a") == '<blockquote dir="auto">a</blockquote>'
    assert html_of("- a\n- b") == '<ul dir="auto"><li>a</li><li>b</li></ul>'
    assert html_of("7. a") == '<ol dir="auto"><li value="7">a</li></ol>'
    assert html_of("https://a.example/?a=1&b") == (
        '<a href="https://a.example/?a=1&amp;b" target="_blank" rel="noopener noreferrer nofollow ugc"'
        ' dir="ltr">https://a.example/?a=1&amp;b</a>'
    )


class Allowed(HTMLParser):
    """Fails on anything but our elements with our attributes, and collects the text."""

    ELEMENTS: dict[str, set[str]] = {
        "a": {"href", "target", "rel", "dir"},
        "pre": {"dir"},
        "blockquote": {"dir"},
        "ul": {"dir"},
        "ol": {"dir"},
        "li": {"value"},
        "strong": set(),
        "em": set(),
        "s": set(),
        "code": set(),
    }

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= self.ELEMENTS[tag]
        href = dict(attrs).get("href")
        assert href is None or re.match("https?://|mailto:", href)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = st.text(st.sampled_from("*_~`>-1. \nab<&\"'/:@.é好\u0301😀"), max_size=60) | st.text(max_size=40)


@given(HOSTILE)
def test_mallory_writes_no_element_and_no_attribute_of_her_own(body: str) -> None:
    """T25: whatever she types, the HTML has our elements only, properly closed."""
    parser = Allowed()
    parser.feed(html_of(body))
    parser.close()
    assert parser.open == []


@given(HOSTILE)
def test_no_letter_is_lost(body: str) -> None:
    """Signs, fences with their language, quote marks, bullets and line ends may go; nothing else."""
    letters = [char for char in plain_text(body) if char.isalnum()]
    assert letters == [
        char for char in re.sub("(?m)^(> ?)*```[a-z][a-z0-9+#.-]*$", "", body) if char.isalnum()
    ] or ("```" in body)


# --- Cost ---


def steps(body: str) -> int:
    """Executed lines of our code: the same on every machine, unlike time."""
    count = 0

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        return local if "/conversations/protocol/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        html_of(body)
        plain_text(body)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        "*", "* ", "*a ", "_~*", "_a ~b *c ", "*a* ", "`", "` ", "`a", "`a ``b ", "> ", "> > > > ", "> a\n",
        ">\n", ">\n> a\n", "```\n", "```a\n", "```\n\n", "- ", "- a\n", "1. a\n", "\n", "(", "a@", "www.",
        "www.a.b ", "https://", "*https://a.example/*\n", "é*", "[*_~`]",
    ],
)  # fmt: skip
def test_hostile_text_costs_linear_time(piece: str) -> None:
    """Twice as much of it takes no more than twice the steps (T32); the longest body is parsed whole."""
    short, long = (steps(piece * (size // len(piece))) for size in (400, 800))
    assert long <= 2.2 * short + 100
    assert len(plain_text((piece * 8_000)[:8_000])) <= 8_000


def test_nested_quotes_do_not_exhaust_the_stack() -> None:
    assert html_of("> " * 4_000 + "a").count("<blockquote") == 3
