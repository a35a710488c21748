"""The tree of a parsed body. A body is a tuple of blocks; the text of a block is a tuple of nodes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """`text` is shown, `typed` is what the sender wrote."""

    text: str
    typed: str
    href: str


@dataclass(frozen=True, slots=True)
class Span:
    """`kind`: bold, italic, strike or code."""

    kind: str
    nodes: tuple[Node, ...]


Node = Text | Link | Span
Nodes = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    nodes: Nodes


@dataclass(frozen=True, slots=True)
class Fence:
    nodes: Nodes


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A bullet has no number."""

    number: int | None
    nodes: Nodes


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple[Item, ...]


Block = Lines | Fence | Quote | Items
