"""Renders a parsed body: as HTML for pages without JavaScript, exports, email; as text without the signs."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from conversations.protocol.markup.nodes import Block, Fence, Item, Items, Lines, Link, Node, Quote, Text
from conversations.protocol.markup.parser import has_signs, parse_markup

ELEMENTS = {"bold": "strong", "italic": "em", "strike": "s", "code": "code"}
REL = "noopener noreferrer nofollow ugc"


# --- HTML ---


def html_of(body: str) -> str:
    """Returns HTML made of escaped text and a fixed set of elements (docs/threats.md T25).

    Links have only the schemes that conversations/protocol/links.py lets through, no style, no class and no
    event attribute: safe on a page under our Content-Security-Policy, in an export and in email.
    """
    return "".join(map(block_html, parse_markup(body)))


def block_html(block: Block) -> str:
    match block:
        case Lines(nodes):
            return nodes_html(nodes)
        case Fence(nodes):
            # The parser of HTML drops one newline right after <pre>.
            return f'<pre dir="auto">\n<code>{nodes_html(nodes)}</code></pre>'
        case Quote(blocks):
            return f'<blockquote dir="auto">{"".join(map(block_html, blocks))}</blockquote>'
        case Items(items):
            name = "ul" if items[0].number is None else "ol"
            return f'<{name} dir="auto">{"".join(map(item_html, items))}</{name}>'


def item_html(item: Item) -> str:
    value = "" if item.number is None else f' value="{item.number}"'
    return f"<li{value}>{nodes_html(item.nodes)}</li>"


def nodes_html(nodes: Iterable[Node]) -> str:
    return "".join(map(node_html, nodes))


def node_html(node: Node) -> str:
    if isinstance(node, Text):
        return escape(node.text)
    if isinstance(node, Link):
        return f'<a href="{escape(node.href)}" target="_blank" rel="{REL}" dir="ltr">{escape(node.text)}</a>'
    element = ELEMENTS[node.kind]
    return f"<{element}>{nodes_html(node.nodes)}</{element}>"


# --- Text ---


def plain_text(body: str) -> str:
    """Returns the text without the signs: for rows, notifications, quotes and screen readers."""
    return blocks_text(parse_markup(body)) if has_signs(body) else body


def blocks_text(blocks: Iterable[Block]) -> str:
    return "\n".join(map(block_text, blocks))


def block_text(block: Block) -> str:
    match block:
        case Quote(blocks):
            return blocks_text(blocks)
        case Items(items):
            return "\n".join(
                f"{'•' if item.number is None else f'{item.number}.'} {nodes_text(item.nodes)}"
                for item in items
            )
        case Lines(nodes) | Fence(nodes):
            return nodes_text(nodes)


def nodes_text(nodes: Iterable[Node]) -> str:
    return "".join(map(node_text, nodes))


def node_text(node: Node) -> str:
    if isinstance(node, Text):
        return node.text
    return node.typed if isinstance(node, Link) else nodes_text(node.nodes)
