"""PURE. What a user typed into the search field, as terms; and the places of the terms in a text.

There is no syntax besides quotes: everything else that a search engine could read as an operator separates
words. No text is an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from conversations.search_index.words import (
    LONGEST,
    Token,
    has_spaceless,
    places_of,
    segments,
    tokens_in,
    words_of,
)

QUERY_CHARS = 500
"""Characters of a query that are read."""
LEAST_LETTERS = 2
TERMS_IN_INDEX = 24
"""Terms that the database is asked for; the others are compared in the texts that it found."""
MOST_MATCHES = 100
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
        """The terms for the database: the longest, because they are the rarest."""
        by_length = sorted(self.terms, key=lambda term: sum(map(len, term.tokens)), reverse=True)
        return tuple(by_length[:TERMS_IN_INDEX])


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
    """(start, length) of every place that matches, ascending and without overlaps; None if a term is missing.

    Lengths are code points of `text`.
    """
    places = Places(list(places_of(text)))
    spans: list[tuple[int, int]] = []
    for term in query.terms:
        found = spans_of(term, places)
        if not found:
            return None
        spans += found
    return [(start, end - start) for start, end in joined(spans)[:MOST_MATCHES]]


class Places:
    """The tokens of a text, by token and by first letter: a query may have as many terms as a text has words,
    and each of them must not look through the whole text."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.by_token: defaultdict[str, list[int]] = defaultdict(list)
        self.by_letter: defaultdict[str, list[int]] = defaultdict(list)
        for index, token in enumerate(tokens):
            self.by_token[token.text].append(index)
            self.by_letter[token.text[0]].append(index)

    def starting(self, term: Term) -> Sequence[int]:
        """Where the first token of a term stands; for a single prefix, where it may."""
        first = term.tokens[0]
        is_one_prefix = term.is_prefix and len(term.tokens) == 1
        return self.by_letter.get(first[0], ()) if is_one_prefix else self.by_token.get(first, ())


def spans_of(term: Term, places: Places) -> list[tuple[int, int]]:
    spans = []
    for index in places.starting(term):
        run = places.tokens[index : index + len(term.tokens)]
        if len(run) == len(term.tokens) and follows(term, run):
            spans.append((run[0].start, end_of(term, run)))
    return spans


def follows(term: Term, run: Sequence[Token]) -> bool:
    last = term.tokens[-1]
    ends_well = run[-1].text == last or (term.is_prefix and run[-1].text.startswith(last))
    return ends_well and all(
        place.text == token for place, token in zip(run[:-1], term.tokens[:-1], strict=True)
    )


def end_of(term: Term, run: Sequence[Token]) -> int:
    """The end of the last token. One letter of a script without spaces is marked alone."""
    last = run[-1]
    if len(term.tokens[-1]) == 1 and len(last.text) > 1 and has_spaceless(last.text):
        return last.start + 1
    return last.end


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same without overlaps."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
