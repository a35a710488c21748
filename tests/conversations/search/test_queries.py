"""What is typed becomes terms without any syntax but quotes, and the places of the terms in a text."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.search_index.queries import (
    QUERY_CHARS,
    TOKENS_IN_INDEX,
    TOKENS_OF_PHRASE,
    Query,
    Term,
    matches_of,
    query_of,
)


def terms(typed: str) -> list[tuple[str, bool]]:
    return [(" ".join(term.tokens), term.is_prefix) for term in query_of(typed).terms]


def test_all_words_are_terms_and_the_last_one_is_a_beginning() -> None:
    assert terms("Hello wOr") == [("hello", False), ("wor", True)]
    assert terms("hello wor ") == [("hello", False), ("wor", True)]


def test_quotes_make_a_phrase() -> None:
    assert terms('"hello world"') == [("hello world", False)]
    assert terms("say «hello world» no") == [("say", False), ("hello world", False), ("no", True)]
    assert terms('“a b” "c d"') == [("a b", False), ("c d", False)]


def test_a_phrase_that_is_being_typed_ends_with_a_beginning() -> None:
    assert terms('"hello wo') == [("hello wo", True)]


@pytest.mark.parametrize(
    "typed", ["", " ", "a", "я", "é", "e\u0301", "茶", "🌿🌿", "!?*", '""', "\0\ud800", "_"]
)
def test_less_than_two_letters_find_nothing(typed: str) -> None:
    assert query_of(typed) == Query()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("text:hello*", ["text", "hello"]),
        ("NEAR(ab cd)", ["near", "ab", "cd"]),
        ("ab OR cd AND NOT ef", ["ab", "or", "cd", "and", "not", "ef"]),
        ("^ab + {cd} - ef", ["ab", "cd", "ef"]),
        ("ab & !cd | (ef <-> gh)", ["ab", "cd", "ef", "gh"]),
        ("%ab_\\'; DROP TABLE message;--", ["ab", "drop", "table", "message"]),
    ],
)
def test_search_syntax_is_read_as_words(typed: str, words: list[str]) -> None:
    assert [token for term in query_of(typed).terms for token in term.tokens] == words


def test_a_query_is_cut_before_any_work() -> None:
    assert query_of("ab " * 10**6).terms == query_of(("ab " * 200)[:QUERY_CHARS]).terms
    assert len(query_of("".join(f"{number} " for number in range(10**5))).indexed) == 24


@pytest.mark.parametrize(
    "typed", ['"' + "a " * 240, "天" * 400, '"a a" "a a a" "a a a a" "a a a a a" b ' * 9]
)
def test_the_database_is_asked_for_few_tokens_of_a_long_phrase(typed: str) -> None:
    """FTS5 looks at all places of a word for each token of a phrase: 18 phrases of "a" took 3 ms for each
    message of 4,000 times "a" (docs/threats.md T32)."""
    asked = query_of(typed).indexed
    assert max(len(term.tokens) for term in asked) <= TOKENS_OF_PHRASE
    assert sum(len(term.tokens) for term in asked) <= TOKENS_IN_INDEX


@pytest.mark.parametrize(("typed", "body"), [('"' + "a " * 240, "a " * 4_000), ("天" * 400, "天" * 8_000)])
def test_a_phrase_that_nearly_matches_everywhere_costs_few_steps(typed: str, body: str) -> None:
    """It was compared at each word of the text: half a second for one message, and a request compares 40."""
    steps = steps_of(lambda: matches_of(query_of(typed), body))
    assert steps < 16 * len(body)
    assert steps_of(lambda: matches_of(query_of(f"{typed}b"), body)) < 4 * len(body)


def steps_of(work: Callable[[], object]) -> int:
    """Lines of our own code that run."""
    steps = 0

    def count(frame: Any, event: str, argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("hello", "Hello there, hello", ["Hello", "hello"]),
        ("hel the", "Hello there hel", ["there", "hel"]),
        ("coracao", "Meu Coração", ["Coração"]),
        ("елка", "Ёлка", ["Ёлка"]),
        ('"b c"', "a b, c b", ["b, c"]),
        ("b bc", "b bcd", ["b", "bcd"]),
        ("天气", "今天天气很好", ["天气"]),
        ("天 今", "今天天气", ["今", "天", "天"]),
        ("天气很", "今天天气很好", ["天气很"]),
        ("\u0633\u0644", "سلام دنیا", ["سلام"]),
        ("x" * 300, "x" * 500, ["x" * 500]),
    ],
)
def test_matches_are_the_places_of_the_words(typed: str, text: str, marked: list[str]) -> None:
    found = matches_of(query_of(typed), text)
    assert found is not None
    assert [text[start : start + length] for start, length in found] == marked


@pytest.mark.parametrize(
    ("typed", "text"),
    [("hello", "hell"), ("hell no", "hello no"), ('"b a"', "a b"), ("天好", "天气很好"), ("йод", "иод")],
)
def test_a_text_without_one_of_the_terms_does_not_match(typed: str, text: str) -> None:
    assert matches_of(query_of(typed), text) is None


@given(st.text(st.characters(codec=None), max_size=60), st.text(max_size=60))
def test_no_query_and_no_text_is_an_error(typed: str, text: str) -> None:
    query = query_of(typed)
    assert all(isinstance(term, Term) and term.tokens for term in query.terms)
    if query.terms:
        found = matches_of(query, text)
        ends = [start + length for start, length in found or []]
        assert ends == sorted(ends)


@given(st.text(max_size=60))
def test_a_text_is_found_by_itself(text: str) -> None:
    query = query_of(text.replace('"', " "))
    if query.terms and not any(term.tokens[-1:] == ("",) for term in query.terms):
        assert matches_of(query, text.replace('"', " ")) is not None
