"""PURE. What a user typed into the search field, as terms; and the places of the terms in a text.

There is no syntax besides quotes: everything else that a search engine could read as an operator separates
words. No text is an error.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from conversations.search_index.words import (
    LONGEST,
    TokenizedText,
    has_spaceless,
    segments,
    tokens_in,
    tokens_of,
    words_of,
)

QUERY_CHARS = 500
"""Characters of a query that are read."""
LEAST_LETTERS = 2
TOKENS_IN_INDEX, TOKENS_OF_PHRASE = 24, 6
"""Tokens that the database is asked for, of all terms and of one phrase; the others are compared in the texts
that it found. For each token of a phrase it looks at all places of that word in each message (docs/threats.md
T32)."""
MOST_MATCHES, MOST_SPANS = 100, 1_000
"""Places that are marked in a text, and places of one term that are looked at for that."""
BETWEEN = " "
"""No token contains it."""
QUOTES = re.compile('["“”„«»＂]')


@dataclass(frozen=True, slots=True)
class Term:
    """Tokens that must follow each other. With `is_prefix` the last one is the beginning of a token."""

    tokens: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All terms must occur. Without terms nothing is found."""

    terms: tuple[Term, ...] = ()

    @property
    def indexed(self) -> tuple[Term, ...]:
        """The terms for the database, or the beginnings of them: the longest, because they are the rarest."""
        by_length = sorted(self.terms, key=lambda term: sum(map(len, term.tokens)), reverse=True)
        chosen: list[Term] = []
        left = TOKENS_IN_INDEX
        for term in by_length:
            size = min(TOKENS_OF_PHRASE, left)
            chosen.append(term if len(term.tokens) <= size else Term(term.tokens[:size]))
            left -= len(chosen[-1].tokens)
            if not left:
                break
        return tuple(dict.fromkeys(chosen))


def query_of(typed: str) -> Query:
    """The query for what was typed. Takes linear time after a cut to QUERY_CHARS."""
    text = unicodedata.normalize("NFC", typed[:QUERY_CHARS])
    if sum(map(str.isalnum, text)) < LEAST_LETTERS:
        return Query()
    terms: list[Term] = []
    parts = QUOTES.split(text)
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        words = words_of(part)
        if index % 2:
            # A phrase. While its second quote is not typed yet, its last word is still being typed, too.
            terms += term_of([segment for word in words for segment in segments(word)], is_prefix=is_last)
        else:
            for number, word in enumerate(words, start=1):
                terms += term_of(segments(word), is_prefix=is_last and number == len(words))
    return Query(tuple(dict.fromkeys(terms)))


def term_of(parts: Sequence[str], *, is_prefix: bool) -> list[Term]:
    """The term of these neighbouring segments; an empty list if there are none."""
    tokens: list[str] = []
    for number, segment in enumerate(parts, start=1):
        is_last = number == len(parts)
        if not has_spaceless(segment):
            # A word that was cut in the index equals the cut word.
            is_prefix = is_prefix and not (is_last and len(segment) > LONGEST)
            tokens.append(segment[:LONGEST])
        elif len(segment) == 1:
            tokens.append(segment)
            # One letter is the beginning of the token that starts with it.
            is_prefix = is_prefix or is_last
        else:
            found = tokens_in(segment)[:-1]
            # The last letter is the end of the last pair. Only the next segment may follow it directly.
            tokens += found if is_last else [*found, segment[-1]]
            is_prefix = is_prefix and not is_last
    return [Term(tuple(tokens), is_prefix)] if tokens else []


def matches_of(query: Query, text: str) -> list[tuple[int, int]] | None:
    """(start, length) of places that match, ascending and without overlaps; None if a term is missing.

    Lengths are code points of `text`.
    """
    line = line_of(tokens_of(text))
    # Most texts end here: where a token stands costs ten times as much as the tokens.
    if not all(needle_of(term) in line for term in query.terms):
        return None
    tokenized = TokenizedText(text)
    starts = list(accumulate((len(token) + len(BETWEEN) for token in tokenized.tokens), initial=0))
    spans = [
        (tokenized.start(first), end_of(term, tokenized, first + len(term.tokens) - 1))
        for term in query.terms
        for first in (
            bisect_left(starts, place) for place in islice(finds(needle_of(term), line), MOST_SPANS)
        )
    ]
    return [(start, end - start) for start, end in joined(spans)[:MOST_MATCHES]]


def line_of(tokens: Sequence[str]) -> str:
    """The tokens as one string, so that `str.find` compares them: it takes linear time for a phrase that
    nearly matches at every word, as "a a a b" does in "a a a a" (docs/threats.md T32)."""
    return f"{BETWEEN}{BETWEEN.join(tokens)}{BETWEEN}"


def needle_of(term: Term) -> str:
    return f"{BETWEEN}{BETWEEN.join(term.tokens)}{'' if term.is_prefix else BETWEEN}"


def finds(needle: str, line: str) -> Iterator[int]:
    place = line.find(needle)
    while place >= 0:
        yield place
        place = line.find(needle, place + 1)


def end_of(term: Term, text: TokenizedText, index: int) -> int:
    """The end of the last token. One letter of a script without spaces is marked alone."""
    token = text.tokens[index]
    if len(term.tokens[-1]) == 1 and len(token) > 1 and has_spaceless(token):
        return text.start(index) + 1
    return text.end(index)


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same without overlaps."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
