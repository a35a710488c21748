"""The markup of messages: a parser, and renderers to HTML and to text without the signs. Plain Python."""

from conversations.protocol.markup.parser import parse_markup
from conversations.protocol.markup.render import html_of, plain_text

__all__ = ["html_of", "parse_markup", "plain_text"]
