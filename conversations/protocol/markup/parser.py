"""Parses the markup of a body: *bold*, _italic_, ~strike~, `code`, fenced blocks, quotes and lists.

The twin of static/js/lib/markup.js; tests/golden/markup.json holds both.

Hostile text costs linear time: every rule looks at a character a bounded number of times, quotes nest at most
DEEPEST times, and of each sign only one may be open.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from conversations.protocol.links import SPACE, UNSPACED_CHAR, Address, links_in
from conversations.protocol.markup.nodes import (
    Block,
    Fence,
    Item,
    Items,
    Lines,
    Link,
    Node,
    Nodes,
    Quote,
    Span,
    Text,
)

KINDS = {"*": "bold", "_": "italic", "~": "strike"}
FENCE = "```"
DEEPEST = 3
"""Quotes within quotes. Deeper ones stay as typed."""
NUMBER = re.compile(rf"([0-9]{{1,3}})\. (?=[^{SPACE}])")
LANGUAGE = re.compile(r"[a-z][a-z0-9+#.-]{0,14}")
SPACE_CHAR = re.compile(f"[{SPACE}]")
VISIBLE = re.compile(f"[^{SPACE}]")
SIGN, SOLID = re.compile("[*_~]"), re.compile(f"[^{SPACE}`]")
JOINS = frozenset("\\/^<>@#&=+%$|")
"""No border either: "¯\\_(ツ)_/¯", "^_^", ">_<", "@_name", "#_tag", "x=*p"."""
SIGNS = re.compile(r"[*_~`]|^(?:>|- |[0-9]{1,3}\. )", re.MULTILINE)
RUN = re.compile("`+")


class Line(NamedTuple):
    start: int
    end: int


class Piece(NamedTuple):
    """A pair of signs, or code: what is inside stands in [inner, inner_end)."""

    start: int
    end: int
    kind: str
    inner: int
    inner_end: int


def has_signs(body: str) -> bool:
    """Only such a text may have markup."""
    return SIGNS.search(body) is not None


def parse_markup(body: str) -> tuple[Block, ...]:
    """The body as blocks. Never fails: what is no markup stays as typed."""
    lines, start = [], 0
    for text in body.split("\n"):
        lines.append(Line(start, start + len(text)))
        start += len(text) + 1
    return Parser(body).blocks(lines, 0)


def is_letter(char: str) -> bool:
    if char.isascii():
        return char.isalnum()
    return unicodedata.category(char)[0] in "LNM" and not UNSPACED_CHAR.match(char)


def is_border(char: str) -> bool:
    return char not in JOINS and not is_letter(char)


def is_space(char: str) -> bool:
    return SPACE_CHAR.match(char) is not None


def in_order(pieces: list[Address | Piece]) -> list[Address | Piece]:
    return sorted(pieces, key=lambda piece: piece.start)


class Parser:
    def __init__(self, body: str) -> None:
        self.body = body
        self.links = links_in(body)
        self.link_starts = [link.start for link in self.links]

    def is_blank(self, start: int, end: int) -> bool:
        return VISIBLE.search(self.body, start, end) is None

    # --- Blocks ---

    def blocks(self, lines: Sequence[Line], depth: int) -> tuple[Block, ...]:
        blocks: list[Block] = []
        loose: list[Line] = []
        ends = self.fence_ends(lines)
        at = 0
        while at < len(lines):
            found = (
                self.fence(lines, at, ends)
                or (self.quote(lines, at, depth) if depth < DEEPEST else None)
                or self.items(lines, at)
            )
            if found:
                self.flush(blocks, loose, is_before_block=True)
                block, at = found
                blocks.append(block)
            else:
                loose.append(lines[at])
                at += 1
        self.flush(blocks, loose, is_before_block=False)
        return tuple(blocks)

    def flush(self, blocks: list[Block], loose: list[Line], *, is_before_block: bool) -> None:
        """A block stands apart by its margin: the empty lines next to it would double the distance."""
        while is_before_block and loose and self.is_blank(*loose[-1]):
            loose.pop()
        first = 0
        while blocks and first < len(loose) and self.is_blank(*loose[first]):
            first += 1
        if first < len(loose):
            blocks.append(Lines(self.joined(loose[first:], self.inline)))
        loose.clear()

    def fence_ends(self, lines: Sequence[Line]) -> list[int]:
        """For each line the first one after it that ends a fence, or -1."""
        ends, following = [-1] * len(lines), -1
        for at in range(len(lines) - 1, -1, -1):
            ends[at] = following
            text = self.trimmed(lines[at])
            if text.endswith(FENCE) and text.index(FENCE) == len(text) - len(FENCE):
                following = at
        return ends

    def trimmed(self, line: Line) -> str:
        text = self.body[line.start : line.end]
        return re.sub(f"[{SPACE}]+\\Z", "", text) if text and is_space(text[-1]) else text

    def fence(self, lines: Sequence[Line], at: int, ends: Sequence[int]) -> tuple[Block, int] | None:
        """Opened by "```" alone, with a language, or with the first line of the text; closed likewise."""
        (start, end), last = lines[at], ends[at]
        if last < 0 or not self.body.startswith(FENCE, start, end):
            return None
        opening = Line(start + len(FENCE), end)
        first = self.body[opening.start : opening.end]
        if "`" in first:
            return None
        closing = Line(lines[last].start, self.body.rindex(FENCE, lines[last].start, lines[last].end))
        is_alone = self.is_blank(*closing)
        inner = list(lines[at + 1 : last])
        if not self.is_blank(*opening) and not (is_alone and LANGUAGE.fullmatch(first)):
            inner.insert(0, opening)
        if not is_alone:
            inner.append(closing)
        if all(self.is_blank(*line) for line in inner):
            return None
        return Fence(self.joined(inner, self.code)), last + 1

    def quote(self, lines: Sequence[Line], at: int, depth: int) -> tuple[Block, int] | None:
        inner = []
        for start, end in lines[at:] if self.body.startswith(">", lines[at].start, lines[at].end) else ():
            if not self.body.startswith(">", start, end) or (end > start + 1 and self.body[start + 1] != " "):
                break
            inner.append(Line(min(start + 2, end), end))
            # An empty line starts no quote. Judged at the first line: at the end it would be judged for each.
            if len(inner) == 1 and self.is_blank(*inner[0]):
                return None
        return (Quote(self.blocks(inner, depth + 1)), at + len(inner)) if inner else None

    def items(self, lines: Sequence[Line], at: int) -> tuple[Block, int] | None:
        items: list[Item] = []
        while at < len(lines) and (found := self.item_start(lines[at])):
            number, start = found
            if items and (items[0].number is None) != (number is None):
                break
            items.append(Item(number, self.inline(start, lines[at].end)))
            at += 1
        return (Items(tuple(items)), at) if items else None

    def item_start(self, line: Line) -> tuple[int | None, int] | None:
        start, end = line
        if self.body.startswith("- ", start, end):
            return (None, start + 2) if start + 2 < end and not is_space(self.body[start + 2]) else None
        found = NUMBER.match(self.body, start)
        return (int(found[1]), found.end()) if found else None

    # --- Inside a line ---

    def joined(self, lines: Iterable[Line], parse: Callable[[int, int], Iterable[Node]]) -> Nodes:
        nodes: list[Node] = []
        for index, (start, end) in enumerate(lines):
            if index:
                nodes.append(Text("\n"))
            nodes += parse(start, end)
        return merged(nodes)

    def links_within(self, start: int, end: int) -> list[Address]:
        return self.links[bisect_left(self.link_starts, start) : bisect_left(self.link_starts, end)]

    def code(self, start: int, end: int) -> list[Node]:
        return self.tree(start, end, self.links_within(start, end))

    def inline(self, start: int, end: int) -> Nodes:
        taken = in_order([*self.links_within(start, end), *self.codes(start, end)])
        pairs = self.pairs(start, end, taken)
        return tuple(self.tree(start, end, in_order([*taken, *pairs])))

    def codes(self, start: int, end: int) -> list[Piece]:
        """A run of backticks ends at the next run as long as it."""
        runs = [run.span() for run in RUN.finditer(self.body, start, end)]
        closers, closing = [-1] * len(runs), dict[int, int]()
        for index in range(len(runs) - 1, -1, -1):
            run_start, run_end = runs[index]
            closers[index] = closing.get(run_end - run_start, -1)
            if run_end == end or not is_letter(self.body[run_end]):
                closing[run_end - run_start] = index
        codes, index = list[Piece](), 0
        while index < len(runs):
            (run_start, inner), closer = runs[index], closers[index]
            index += 1
            if closer < 0 or (run_start > start and is_letter(self.body[run_start - 1])):
                continue
            inner_end, run_end = runs[closer]
            if not self.is_blank(inner, inner_end):
                codes.append(Piece(run_start, run_end, "code", inner, inner_end))
                index = closer + 1
        return codes

    def pairs(self, start: int, end: int, taken: Sequence[Address | Piece]) -> list[Piece]:
        """Signs that belong together.

        A sign stands alone ("**" is no sign), opens after a border and before a character, and closes the
        other way round. What is still open within a closed pair stays as typed.
        """
        body, pairs = self.body, list[Piece]()
        opened: list[tuple[str, int]] = []
        solid, at, skip = -1, start, 0
        while at < end:
            if skip < len(taken) and taken[skip].start <= at:
                at = taken[skip].end
                solid, skip = at - 1, skip + 1
                continue
            # From sign to sign: most texts have few, and a step for each character takes 2 ms.
            limit = taken[skip].start if skip < len(taken) else end
            found = SIGN.search(body, at, limit)
            here = found.start() if found else limit
            if SOLID.search(body, at, here):
                solid = here - 1
            at = here + 1 if found else here
            if not found:
                continue
            sign = body[here]
            if self.is_part_of_row(start, here, end):
                continue
            opener = next((index for index, other in enumerate(opened) if other[0] == sign), -1)
            if opener >= 0 and solid > opened[opener][1] and self.may_close(here, end):
                begin = opened[opener][1]
                pairs.append(Piece(begin, at, KINDS[sign], begin + 1, here))
                del opened[opener:]
            elif self.may_open(start, here, end):
                opened = [other for other in opened if other[0] != sign] + [(sign, here)]
        return pairs

    def is_part_of_row(self, start: int, at: int, end: int) -> bool:
        """Doubled, or between two equal characters: "**", "-_-"."""
        sign = self.body[at]
        before = self.body[at - 1] if at > start else ""
        after = self.body[at + 1] if at + 1 < end else ""
        return sign in {before, after} or "" < before == after < "\x7f"

    def may_open(self, start: int, at: int, end: int) -> bool:
        is_before_text = at + 1 < end and not is_space(self.body[at + 1])
        return is_before_text and (at == start or is_border(self.body[at - 1]))

    def may_close(self, at: int, end: int) -> bool:
        return not is_space(self.body[at - 1]) and (at + 1 == end or is_border(self.body[at + 1]))

    def tree(self, start: int, end: int, pieces: Sequence[Address | Piece]) -> list[Node]:
        """`pieces` ascending by start, none crossing another."""
        waiting = iter([*pieces, None])
        piece = next(waiting)

        def build(done: int, end: int) -> list[Node]:
            nonlocal piece
            nodes: list[Node] = []
            while piece is not None and piece.start < end:
                here, piece = piece, next(waiting)
                if here.start > done:
                    nodes.append(Text(self.body[done : here.start]))
                if isinstance(here, Address):
                    nodes.append(Link(here.text, here.typed, here.href))
                else:
                    nodes.append(Span(here.kind, tuple(build(here.inner, here.inner_end))))
                done = here.end
            if done < end:
                nodes.append(Text(self.body[done:end]))
            return nodes

        return build(start, end)


def merged(nodes: Iterable[Node]) -> Nodes:
    """Neighbouring texts as one."""
    all_nodes: list[Node] = []
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, Text):
            texts.append(node.text)
            continue
        if texts:
            all_nodes.append(Text("".join(texts)))
            texts = []
        all_nodes.append(node)
    if texts:
        all_nodes.append(Text("".join(texts)))
    return tuple(all_nodes)
