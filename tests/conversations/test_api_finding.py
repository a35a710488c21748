"""The HTTP routes that find messages: search, the day in a history, and attachments."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from conversations.access import access_conversation
from conversations.models import Conversation, Participant
from conversations.selectors.dates import seq_at
from conversations.services.search_indexing import Indexer
from tests.conversations.test_api import ask, problem_of
from tests.factories import make_conversation, make_message

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


def search(client: Client, **query: str) -> HttpResponse:
    return ask(client, "GET", f"/search?{urlencode(query)}")


def test_a_found_message_comes_with_its_room_and_its_matches(
    browser: Client, chat: Conversation, alice: User, bob: User
) -> None:
    make_message(chat, bob, "🌿 Bring the Coffee")
    Indexer().run()
    page = search(browser, q="coffee bri").json()
    (item,) = page["items"]
    assert set(page) == {"items", "next"}
    assert set(item) == {"room", "message", "matches"}
    assert (item["room"], item["matches"], page["next"]) == (chat.room_name, [[2, 5], [12, 6]], None)
    assert (
        item["message"] == ask(browser, "GET", f"/conversations/{chat.room_name}/messages").json()["items"][0]
    )


def test_a_search_in_one_room(browser: Client, chat: Conversation, alice: User, carol: User) -> None:
    other = make_conversation(alice, carol)
    for where in (chat, other):
        make_message(where, alice, "coffee")
    Indexer().run()
    assert [item["room"] for item in search(browser, q="coffee", room=other.room_name).json()["items"]] == [
        other.room_name
    ]
    assert len(search(browser, q="coffee").json()["items"]) == 2
    assert len(search(browser, q="coffee", room="").json()["items"]) == 2


def test_a_foreign_room_is_an_unknown_one(
    client_of: Callable[[User | None], Client], chat: Conversation, mallory: User
) -> None:
    answers = [
        search(client_of(mallory), q="x", room=room) for room in (chat.room_name, "dm-" + "a" * 32, "\0")
    ]
    for answer in answers:
        problem_of(answer, 404, "not_found")
    assert {answer.content for answer in answers} == {answers[0].content}


@pytest.mark.parametrize("q", ["", "a", "%00", "%ff%fe", "%ed%a0%80", quote("*:\"'") * 200, "x" * 4_000])
def test_nothing_that_is_typed_is_an_error(browser: Client, chat: Conversation, q: str) -> None:
    answer = ask(browser, "GET", f"/search?q={q}")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


def test_without_a_query_nothing_is_found(browser: Client) -> None:
    assert ask(browser, "GET", "/search").json() == {"items": [], "next": None}


@pytest.mark.parametrize("cursor", ["x", "7" * 3_000, "!!!"])
def test_an_invalid_cursor_is_rejected(browser: Client, chat: Conversation, cursor: str) -> None:
    problem_of(search(browser, q="hello", cursor=cursor), 422, "bad_frame")


def test_a_cursor_of_another_user_is_rejected(
    browser: Client, client_of: Callable[[User | None], Client], chat: Conversation, alice: User, bob: User
) -> None:
    for _ in range(31):
        make_message(chat, alice, "coffee")
    Indexer().run()
    following = search(browser, q="coffee").json()["next"]
    assert len(search(browser, q="coffee", cursor=following).json()["items"]) == 1
    problem_of(search(client_of(bob), q="coffee", cursor=following), 422, "bad_frame")


# --- Days ---


def at(client: Client, chat: Conversation, **query: str) -> HttpResponse:
    return ask(client, "GET", f"/conversations/{chat.room_name}/at?{urlencode(query)}")


@pytest.fixture
def days(chat: Conversation, alice: User) -> Conversation:
    """Messages 1 to 6, an hour apart: three before and three after midnight of 2 March in Berlin."""
    for number in range(6):
        make_message(chat, alice, created_at=START + timedelta(hours=number - 2))
    return chat


@pytest.mark.parametrize(
    ("date", "tz", "seq"),
    [
        ("2026-03-02", "Europe/Berlin", 4),
        ("2026-03-02", "UTC", 5),
        ("2026-03-02", "Pacific/Auckland", 1),
        ("2026-03-01", "UTC", 1),
        ("1999-12-31", "UTC", 1),
        ("0001-01-01", "Asia/Tokyo", 1),
        ("2026-03-03", "UTC", 6),
        ("9999-12-31", "America/Sao_Paulo", 6),
    ],
)
def test_the_first_message_of_a_day_in_the_readers_zone(
    browser: Client, days: Conversation, date: str, tz: str, seq: int
) -> None:
    assert at(browser, days, date=date, tz=tz).json() == {"seq": seq}


def test_without_a_zone_the_day_is_that_of_utc(browser: Client, days: Conversation) -> None:
    assert at(browser, days, date="2026-03-02").json() == {"seq": 5}


def test_a_cleared_history_begins_after_what_was_cleared(
    browser: Client, days: Conversation, alice: User
) -> None:
    Participant.objects.filter(user=alice).update(cleared_seq=3)
    assert at(browser, days, date="2026-01-01").json() == {"seq": 4}


def test_an_empty_chat_has_no_day(browser: Client, chat: Conversation) -> None:
    assert at(browser, chat, date="2026-01-01").json() == {"seq": None}


@pytest.mark.parametrize(
    "date",
    ["", "today", "2026-13-01", "2026-02-30", "2026-3-1", "20260301", "2026-03-01T00:00", "-001-01-01", "\0",
     "\u0662\u0660\u0662\u0666-03-01", "9" * 5_000, "2026-W10-1"],
)  # fmt: skip
def test_what_is_no_day_is_rejected_with_a_sentence(browser: Client, days: Conversation, date: str) -> None:
    found = problem_of(at(browser, days, date=date), 422, "bad_frame")
    assert "YYYY-MM-DD" in found["detail"]


@pytest.mark.parametrize(
    "tz", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "europe/berlin", "\0", "UTC" * 2_000]
)
def test_an_unknown_zone_is_rejected_with_a_sentence(browser: Client, days: Conversation, tz: str) -> None:
    found = problem_of(at(browser, days, date="2026-03-01", tz=tz), 422, "bad_frame")
    assert "time zone" in found["detail"]


def test_a_missing_date_is_rejected(browser: Client, days: Conversation) -> None:
    problem_of(at(browser, days), 422, "bad_frame")


def test_the_day_of_a_long_history_is_found_by_halving(
    chat: Conversation, alice: User, django_assert_max_num_queries
) -> None:
    for number in range(200):
        make_message(chat, alice, created_at=START + timedelta(days=number))
    membership = access_conversation(alice, chat.room_name)
    with django_assert_max_num_queries(10):
        assert seq_at(membership=membership, day=date(2026, 5, 1), zone=UTC) == 62


# --- Attachments ---


@pytest.mark.parametrize("query", ["", "?kind=picture", "?kind=file&cursor="])
def test_a_chat_without_files_has_an_empty_list(browser: Client, chat: Conversation, query: str) -> None:
    answer = ask(browser, "GET", f"/conversations/{chat.room_name}/attachments{query}")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize("query", ["?kind=secrets", "?kind=", "?cursor=x"])
def test_another_kind_or_a_foreign_cursor_is_rejected(
    browser: Client, chat: Conversation, query: str
) -> None:
    problem_of(ask(browser, "GET", f"/conversations/{chat.room_name}/attachments{query}"), 422, "bad_frame")
