"""The HTTP API: the services of the socket, with HTTP statuses, problem documents and pages."""

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Profile, User
from conversations import throttling
from conversations.api import routes
from conversations.exceptions import Busy, StorageFull
from conversations.models import Conversation, Message, Participant
from tests.factories import make_conversation, make_message, make_messages, make_user

pytestmark = pytest.mark.django_db
API = "/api/v1"
ANY_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
CARD = {"id", "username", "name", "avatar", "initials", "colour"}
CONVERSATION = {
    "room", "peer", "head", "mark", "unread", "received", "read", "read_count", "marked_unread",
    "peer_read", "peer_delivered", "last_message", "activity", "state", "requested_by",
    "muted_until", "archived", "pinned", "blocked", "can_send", "draft",
}  # fmt: skip


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    """Alice's browser."""
    return client_of(alice)


@pytest.fixture
def bobs(client_of: Callable[[User | None], Client], bob: User) -> Client:
    return client_of(bob)


def ask(client: Client, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.generic(
        method, API + path, text if body is not None else "", content_type="application/json", headers=headers
    )


def problem_of(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Each error has one shape, without request data or internals."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert set(found) <= {"type", "title", "status", "code", "retryable", "retry_after_ms", "detail"}
    assert (found["status"], found["code"]) == (status, code)
    assert found["retryable"] is ("Retry-After" in answer)
    return found


def send(client: Client, chat: Conversation, body: str = "hello", **fields: Any) -> HttpResponse:
    return ask(
        client,
        "POST",
        f"/conversations/{chat.room_name}/messages",
        {"id": str(uuid4()), "body": body, **fields},
    )


# --- Authentication ---

ROUTES = [
    ("GET", "/me"),
    ("GET", "/people"),
    ("GET", "/conversations"),
    ("POST", "/conversations"),
    ("GET", "/conversations/dm-x"),
    ("GET", "/conversations/dm-x/messages"),
    ("POST", "/conversations/dm-x/messages"),
    ("PUT", "/conversations/dm-x/receipt"),
    ("POST", "/sync"),
    ("GET", "/search"),
    ("GET", "/conversations/dm-x/at"),
    ("GET", "/conversations/dm-x/attachments"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_session_every_route_is_401(client: Client, method: str, path: str) -> None:
    problem_of(ask(client, method, path, {}), 401, "unauthenticated")
    client.handler.enforce_csrf_checks = True
    problem_of(ask(client, method, path, {}), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[0] != "GET"])
def test_a_page_of_another_site_cannot_write_as_alice(
    client_of: Callable[..., Client], alice: User, method: str, path: str
) -> None:
    """The browser sends her cookie with its request, but not the CSRF token."""
    browser = client_of(alice, enforce_csrf_checks=True)
    problem_of(ask(browser, method, path, {"body": "x"}), 403, "forbidden")
    problem_of(ask(browser, method, path, {"body": "x"}, **{"X-CSRFToken": "a" * 32}), 403, "forbidden")


def test_a_suspended_account_is_401(browser: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    problem_of(ask(browser, "GET", "/me"), 401, "unauthenticated")


def test_me_is_my_card(browser: Client, alice: User) -> None:
    me = ask(browser, "GET", "/me").json()
    assert set(me) == CARD
    assert (me["id"], me["username"], me["name"]) == (alice.public_id, "alice", "Alice")
    assert str(alice.pk) != me["id"], "ids on the wire tell nothing"


# --- Conversations ---


def test_alice_opens_a_chat_and_finds_it_again(browser: Client, bob: User) -> None:
    opened = ask(browser, "POST", "/conversations", {"user": "bob"})
    again = ask(browser, "POST", "/conversations", {"user": "Bob"})
    assert (opened.status_code, again.status_code) == (201, 200)
    assert opened.json() == again.json()
    assert set(opened.json()) == CONVERSATION
    assert (opened.json()["peer"]["username"], opened.json()["head"], opened.json()["state"]) == (
        "bob",
        0,
        "open",
    )
    assert ask(browser, "GET", f"/conversations/{opened.json()['room']}").json() == opened.json()


def test_people_alice_cannot_write_to_are_404(browser: Client, alice: User) -> None:
    make_user("hermit", start_by=Profile.StartBy.ONLY_BY_INVITE)
    gone = make_user("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    answers = [
        ask(browser, "POST", "/conversations", {"user": name})
        for name in ("hermit", "gone", "nobody", "", "no\u0020name", "alice")
    ]
    for answer in answers:
        problem_of(answer, 404, "not_found")
    assert {answer.content for answer in answers} == {answers[0].content}


def test_the_list_pages_by_cursor_without_gaps(browser: Client, alice: User) -> None:
    start = timezone.now()
    for number in range(7):
        # Three at one instant: the cursor must not lose them between two pages.
        make_conversation(alice, make_user(f"peer{number}"), now=start - timedelta(minutes=number // 3))
    seen: list[str] = []
    cursor = ""
    while True:
        page = ask(browser, "GET", f"/conversations?limit=2{cursor and f'&cursor={cursor}'}").json()
        seen += [row["room"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == [row["room"] for row in ask(browser, "GET", "/conversations").json()["items"]]
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        "MjAyNg",
        "%00",
        "fDE",
        "MjAyNi0wMS0wMVQwMDowMDowMHwx",
        "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMHwx",
        "7" * 500,
    ],
)
def test_an_invalid_cursor_is_rejected(browser: Client, chat: Conversation, cursor: str) -> None:
    problem_of(ask(browser, "GET", f"/conversations?cursor={cursor}"), 422, "bad_frame")


def test_a_cursor_with_a_number_out_of_range_is_rejected(browser: Client, chat: Conversation) -> None:
    cursor = base64.urlsafe_b64encode(f"2026-01-01T00:00:00+00:00|{10**40}".encode()).decode().rstrip("=")
    problem_of(ask(browser, "GET", f"/conversations?cursor={cursor}"), 422, "bad_frame")


@pytest.mark.parametrize("limit", ["0", "-1", "1000000", "100"])
def test_any_limit_is_clamped(browser: Client, chat: Conversation, limit: str) -> None:
    assert len(ask(browser, "GET", f"/conversations?limit={limit}").json()["items"]) == 1
    assert ask(browser, "GET", f"/conversations/{chat.room_name}/messages?limit={limit}").status_code == 200


@pytest.mark.parametrize("query", ["limit=many", "limit=1.5", "limit="])
def test_a_limit_that_is_no_number_is_rejected(browser: Client, chat: Conversation, query: str) -> None:
    problem_of(ask(browser, "GET", f"/conversations?{query}"), 422, "bad_frame")


# --- Sending ---


def test_what_alice_sends_is_what_bob_reads(
    browser: Client, bobs: Client, chat: Conversation, alice: User
) -> None:
    id = str(uuid4())
    sent = send(browser, chat, "Grüße 👋", id=id)
    assert sent.status_code == 201
    assert set(sent.json()) == {"room", "message", "duplicate"}
    message = sent.json()["message"]
    assert (message["id"], message["seq"], message["sender"], message["body"]) == (
        id,
        1,
        alice.public_id,
        "Grüße 👋",
    )
    page = ask(bobs, "GET", f"/conversations/{chat.room_name}/messages").json()
    assert page == {"items": [message], "version": 1}
    row = ask(bobs, "GET", f"/conversations/{chat.room_name}").json()
    assert (row["unread"], row["last_message"]) == (1, message)


def test_a_repeat_is_200_with_the_same_message(browser: Client, chat: Conversation) -> None:
    id = str(uuid4())
    first, again = send(browser, chat, id=id), send(browser, chat, id=id.upper())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "duplicate": True}
    assert Message.objects.count() == 1


def test_the_same_id_with_another_text_or_from_the_peer_is_409(
    browser: Client, bobs: Client, chat: Conversation
) -> None:
    id = str(uuid4())
    send(browser, chat, "one", id=id)
    problem_of(send(browser, chat, "two", id=id), 409, "conflict")
    problem_of(send(bobs, chat, "one", id=id), 409, "conflict")
    problem_of(send(browser, chat, "one", id=id, reply_to=1), 409, "conflict")


def test_an_idempotency_key_is_an_id(browser: Client, chat: Conversation) -> None:
    path = f"/conversations/{chat.room_name}/messages"
    first = ask(browser, "POST", path, {"body": "hello"}, **{"Idempotency-Key": ANY_ID})
    quoted = ask(browser, "POST", path, {"body": "hello"}, **{"Idempotency-Key": f'"{ANY_ID}"'})
    both = ask(browser, "POST", path, {"body": "hello", "id": ANY_ID}, **{"Idempotency-Key": ANY_ID})
    assert [answer.status_code for answer in (first, quoted, both)] == [201, 200, 200]
    assert first.json()["message"]["id"] == ANY_ID
    problem_of(ask(browser, "POST", path, {"body": "hello"}), 422, "bad_frame")
    problem_of(
        ask(browser, "POST", path, {"body": "hello"}, **{"Idempotency-Key": "again"}), 422, "bad_frame"
    )
    problem_of(
        ask(browser, "POST", path, {"body": "hello", "id": str(uuid4())}, **{"Idempotency-Key": ANY_ID}),
        422,
        "bad_frame",
    )
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 422, "invalid_text"),
        (" \n ", 422, "invalid_text"),
        ("\u200b", 422, "invalid_text"),
        ("x" * 8_001, 413, "too_large"),
        ("x" * 100_000, 413, "too_large"),
        ("a" + "\u0301" * 100, 422, "invalid_text"),
    ],
)
def test_a_text_that_cannot_be_sent_is_rejected(
    browser: Client, chat: Conversation, body: str, status: int, code: str
) -> None:
    problem_of(send(browser, chat, body), status, code)
    assert not Message.objects.exists()


def test_8000_characters_are_stored_as_sent(browser: Client, chat: Conversation) -> None:
    body = "👋" * 7_999 + "\n"
    assert send(browser, chat, body).json()["message"]["body"] == body


def test_a_reply_points_into_its_own_conversation(browser: Client, chat: Conversation) -> None:
    send(browser, chat)
    assert send(browser, chat, reply_to=1).json()["message"]["reply_to"] == 1
    problem_of(send(browser, chat, reply_to=99), 404, "not_found")


@pytest.mark.parametrize("changes", [{"low_blocks": True}, {"high_blocks": True}, {"state": "closed"}])
def test_everyone_who_cannot_be_written_to_gives_the_same_response(
    browser: Client, chat: Conversation, changes: dict[str, Any]
) -> None:
    Conversation.objects.update(**changes)
    problem_of(send(browser, chat), 403, "cannot_deliver")


def test_too_many_sends_are_429_with_retry_after(
    browser: Client, chat: Conversation, settings: Any, monkeypatch: Any
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 2, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    assert [send(browser, chat).status_code for _ in range(2)] == [201, 201]
    refused = send(browser, chat)
    assert problem_of(refused, 429, "rate_limited")["retry_after_ms"] > 0
    assert int(refused["Retry-After"]) >= 1


@pytest.mark.parametrize(("reason", "code"), [(Busy(), "busy"), (StorageFull(), "storage_full")])
def test_an_unavailable_database_is_503_and_retryable(
    browser: Client, chat: Conversation, monkeypatch: Any, reason: Exception, code: str
) -> None:
    def fail(**values: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(reason)
        return future

    monkeypatch.setattr(routes, "message_send", fail)
    problem_of(send(browser, chat), 503, code)


def test_a_write_that_times_out_is_504_with_an_unknown_result(
    browser: Client, chat: Conversation, monkeypatch: Any
) -> None:
    monkeypatch.setattr(routes, "message_send", lambda **values: Future())
    monkeypatch.setattr(routes, "JOURNAL_TIMEOUT_S", 0.01)
    assert problem_of(send(browser, chat), 504, "unknown_result")["retryable"]


# --- Strictness ---

ROOM_PATH = "/conversations/{room}/messages"
STRANGE = {
    "no JSON": b"hello",
    "nothing": b"",
    "a list": b"[]",
    "text after it": b'{"id":"ID","body":"x"} x',
    "a key twice": b'{"id":"ID","body":"x","body":"y"}',
    "NaN": b'{"id":"ID","body":"x","reply_to":NaN}',
    "Infinity": b'{"id":"ID","body":"x","reply_to":Infinity}',
    "a number above 64 bits": b'{"id":"ID","body":"x","reply_to":9223372036854775808}',
    "a number of 5000 digits": b'{"id":"ID","body":"x","reply_to":' + b"9" * 5_000 + b"}",
    "zero": b'{"id":"ID","body":"x","reply_to":0}',
    "a fraction": b'{"id":"ID","body":"x","reply_to":1.0}',
    "a truth": b'{"id":"ID","body":"x","reply_to":true}',
    "a forged number": b'{"id":"ID","body":"x","seq":1}',
    "a forged sender": b'{"id":"ID","body":"x","sender":"bob"}',
    "another room in the body": b'{"id":"ID","body":"x","room":"dm-other"}',
    "NUL": b'{"id":"ID","body":"a\\u0000b"}',
    "half a character": b'{"id":"ID","body":"\\ud800"}',
    "an id that is no UUID": b'{"id":"1","body":"x"}',
    "an id without hyphens": b'{"id":"7c9e6679742540de944be07fc1f90ae7","body":"x"}',
    "a body that is a number": b'{"id":"ID","body":1}',
    "no body": b'{"id":"ID"}',
    "bytes that are no text": b'{"id":"ID","body":"\xff\xfe"}',
    "thirty thousand lists": b"[" * 30_000 + b"]" * 30_000,
}


@pytest.mark.parametrize("name", STRANGE)
def test_an_invalid_body_is_rejected_and_nothing_is_stored(
    browser: Client, chat: Conversation, name: str
) -> None:
    text = STRANGE[name].replace(b"ID", ANY_ID.encode())
    answer = ask(browser, "POST", f"/conversations/{chat.room_name}/messages", text)
    assert answer.status_code == 422, answer.content
    assert answer.json()["code"] in {"bad_frame", "invalid_text"}
    assert answer["Content-Type"] == "application/problem+json"
    assert not Message.objects.exists()


def test_an_oversized_body_is_413(browser: Client, chat: Conversation) -> None:
    answer = send(browser, chat, "x" * 400_000)
    assert answer.status_code == 413
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/me"), ("PUT", "/conversations"), ("PATCH", "/sync")]
)
def test_an_unsupported_method_is_405(browser: Client, method: str, path: str) -> None:
    answer = ask(browser, method, path, {})
    problem_of(answer, 405, "bad_frame")
    assert "GET" in answer["Allow"] or "POST" in answer["Allow"]


# --- History ---


@pytest.fixture
def past(chat: Conversation, alice: User, bob: User) -> Conversation:
    make_messages(chat, [alice, bob], 120)
    return chat


def seqs(client: Client, chat: Conversation, query: str = "") -> list[int]:
    answer = ask(client, "GET", f"/conversations/{chat.room_name}/messages{query}")
    assert answer.status_code == 200, answer.content
    assert answer.json()["version"] == 120
    return [message["seq"] for message in answer.json()["items"]]


def test_history_comes_in_pages_by_number(browser: Client, past: Conversation) -> None:
    assert seqs(browser, past) == list(range(71, 121)), "the newest fifty, ascending"
    assert seqs(browser, past, "?before=71") == list(range(21, 71))
    assert seqs(browser, past, "?before=21") == list(range(1, 21))
    assert seqs(browser, past, "?before=1") == []
    assert seqs(browser, past, "?after=117") == [118, 119, 120]
    assert seqs(browser, past, "?after=0&limit=3") == [1, 2, 3]
    assert seqs(browser, past, "?after=10&before=13") == [11, 12]
    assert seqs(browser, past, "?after=120") == []
    assert len(seqs(browser, past, "?limit=1000")) == 100


@pytest.mark.parametrize("query", [f"?before={10**30}", f"?after=-{10**30}&limit=5", f"?before={2**63}"])
def test_numbers_out_of_range_are_clamped(browser: Client, past: Conversation, query: str) -> None:
    assert seqs(browser, past, query)


@pytest.mark.parametrize("query", ["?before=x", "?after=1.5", "?before="])
def test_a_position_that_is_no_number_is_rejected(browser: Client, past: Conversation, query: str) -> None:
    problem_of(ask(browser, "GET", f"/conversations/{past.room_name}/messages{query}"), 422, "bad_frame")


def test_history_costs_the_same_whatever_its_length(
    browser: Client, past: Conversation, django_assert_num_queries: Any
) -> None:
    path = f"/conversations/{past.room_name}/messages"
    # Device activity is written once a minute.
    ask(browser, "GET", "/me")
    # Session, user, membership, head, rows.
    for query in ("?limit=1", "?limit=100", "?before=50", "?after=3"):
        with django_assert_num_queries(5):
            ask(browser, "GET", path + query)


def test_the_list_costs_the_same_whatever_its_length(
    browser: Client, alice: User, django_assert_num_queries: Any
) -> None:
    def fill(how_many: int) -> None:
        for _ in range(how_many):
            peer = make_user()
            make_message(make_conversation(alice, peer), peer)

    fill(1)
    # Device activity is written once a minute.
    ask(browser, "GET", "/me")
    with django_assert_num_queries(5):
        ask(browser, "GET", "/conversations")
    fill(9)
    with django_assert_num_queries(5):
        assert len(ask(browser, "GET", "/conversations").json()["items"]) == 10


# --- Receipts and sync ---


def test_reading_counts_down_my_unread_and_is_shown_to_the_peer(
    browser: Client, bobs: Client, past: Conversation
) -> None:
    path = f"/conversations/{past.room_name}"
    assert ask(bobs, "GET", path).json()["unread"] == 60
    row = ask(bobs, "PUT", f"{path}/receipt", {"read": 60}).json()
    assert (row["read"], row["unread"], row["read_count"]) == (60, 30, 30)
    assert ask(bobs, "PUT", f"{path}/receipt", {"read": 5, "delivered": 10}).json()["read"] == 60
    assert ask(bobs, "PUT", f"{path}/receipt", {"read": 10**6}).json()["unread"] == 0
    hers = ask(browser, "GET", path).json()
    assert (hers["peer_read"], hers["peer_delivered"], hers["read"]) == (120, 120, 0)


@pytest.mark.parametrize(
    "body",
    [
        '{"read":-1}',
        '{"read":"1"}',
        '{"read":1.5}',
        '{"read":1,"user":"bob"}',
        '{"read":9223372036854775808}',
        "[]",
    ],
)
def test_an_invalid_receipt_is_rejected(browser: Client, past: Conversation, body: str) -> None:
    problem_of(ask(browser, "PUT", f"/conversations/{past.room_name}/receipt", body), 422, "bad_frame")


def test_polling_catches_up_like_a_socket(browser: Client, past: Conversation, alice: User) -> None:
    mark = Participant.objects.get(user=alice).mark
    body = {"rooms": {past.room_name: 100, "dm-unknown": 0}, "marks": {past.room_name: mark}}
    (page,) = ask(browser, "POST", "/sync", body).json()["pages"]
    assert page["type"] == "sync.page"
    assert [message["seq"] for message in page["messages"]] == list(range(101, 121))
    assert (page["after"], page["version"], page["more"], page["reset"]) == (100, 120, False, False)
    (behind,) = ask(browser, "POST", "/sync", {"marks": {past.room_name: mark + 1}}).json()["pages"]
    assert behind["conversation"]["room"] == past.room_name
    assert behind["messages"] == []


def test_a_hundred_and_one_rooms_are_too_many(browser: Client) -> None:
    for body in (
        {"rooms": {f"dm-{n}": 0 for n in range(101)}},
        {"rooms": {f"dm-{n}": 0 for n in range(60)}, "marks": {f"x{n}": 0 for n in range(60)}},
    ):
        problem_of(ask(browser, "POST", "/sync", body), 422, "bad_frame")


# --- People ---


def test_the_directory_lists_only_people_who_chose_to_be_listed(browser: Client, bob: User) -> None:
    make_user("hidden", listed=False)
    found = ask(browser, "GET", "/people?q=").json()["items"]
    assert [card["username"] for card in found] == ["bob"]
    assert set(found[0]) == CARD | {"can_start"}


@pytest.mark.parametrize("q", ["b%00b", "%", "_", "%F0%9F%91%8B", "x" * 5_000, "' OR 1=1 --"])
def test_any_search_text_is_accepted(browser: Client, bob: User, q: str) -> None:
    assert ask(browser, "GET", f"/people?q={q}").json()["items"] == []


# --- The OpenAPI document ---


def description() -> dict[str, Any]:
    found: dict[str, Any] = Client().get(f"{API}/openapi.json").json()
    return found


def test_without_a_session_every_described_operation_is_401_whatever_its_body_is(client: Client) -> None:
    """Before the CSRF check: a client whose session has ended has no other sign that it must log in."""
    client.handler.enforce_csrf_checks = True
    asked = 0
    for path, methods in description()["paths"].items():
        address = re.sub(r"\{(\w+)\}", lambda found: "7" if found[1] == "seq" else ANY_ID, path)
        for method, operation in methods.items():
            for type in operation.get("requestBody", {}).get("content", {"application/json": {}}):
                answer = client.generic(method.upper(), address, content_type=type)
                assert answer.status_code == 401, (method, path, type)
                asked += 1
    assert asked > 20


def test_the_openapi_document_describes_errors_as_problems() -> None:
    for methods in description()["paths"].values():
        for operation in methods.values():
            errors = {status: found for status, found in operation["responses"].items() if status >= "400"}
            assert errors.keys() >= {"401", "429", "503"}
            for status, found in errors.items():
                assert found["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }, status
                assert "`" in found["description"], "the codes"
    assert set(description()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) >= {
        "rate_limited",
        "not_found",
        "gone",
    }


def test_the_openapi_document_has_the_answer_to_a_room_that_is_not_mine() -> None:
    """Whether the room is in the path or in the query."""
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            if "room" in names:
                assert "404" in operation["responses"], f"{method} {path}"


def test_the_schema_promises_nothing_that_is_rejected() -> None:
    message = description()["components"]["schemas"]["MessageInput"]
    assert message["required"] == ["id", "body"]
    assert message["additionalProperties"] is False
    assert {"type": "string", "format": "uuid"}.items() <= message["properties"]["id"].items(), "and not null"
    assert {"minLength": 1, "maxLength": 8000, "format": "message-text"}.items() <= message["properties"][
        "body"
    ].items()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "x",
    ],
)
@pytest.mark.parametrize("path", ["/conversations", "/invites", "/sync"])
def test_a_body_that_is_not_json_is_rejected(browser: Client, path: str, kind: str) -> None:
    """Also a form without its boundary, which the CSRF check would read first."""
    browser.handler.enforce_csrf_checks = True
    browser.get("/people/")
    token = browser.cookies["csrftoken"].value
    answer = browser.generic("POST", API + path, "{}", content_type=kind, headers={"X-CSRFToken": token})
    problem_of(answer, 415, "bad_frame")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/x-www-form-urlencoded", 200), ("text/plain", 200), ("multipart/form-data", 415)],
)
def test_where_no_body_is_read_its_content_type_does_not_matter(
    browser: Client, chat: Conversation, kind: str, status: int
) -> None:
    browser.handler.enforce_csrf_checks = True
    browser.get("/people/")
    path = f"{API}/conversations/{chat.room_name}/reopen"
    answer = browser.generic(
        "POST", path, "a=b", content_type=kind, headers={"X-CSRFToken": browser.cookies["csrftoken"].value}
    )
    assert answer.status_code == status, "but a form that cannot be read is no fault of ours"


def test_a_form_with_too_many_fields_is_a_client_error(browser: Client) -> None:
    browser.handler.enforce_csrf_checks = True
    many = "&".join(f"f{number}=1" for number in range(1_500))
    answer = browser.generic("POST", f"{API}/sync", many, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {403, 415, 422}
    assert answer["Content-Type"] == "application/problem+json"


# --- Invites, created twice ---


def test_a_retry_after_an_unknown_result_creates_one_invite(browser: Client, bobs: Client) -> None:
    def make(client: Client = browser, key: str = ANY_ID, **fields: str) -> str:
        made = ask(client, "POST", "/invites", {"note": "for Zoya", **fields}, **{"Idempotency-Key": key})
        assert made.status_code == 201
        return str(made.json()["id"])

    first = make()
    assert make() == make(key=f'"{ANY_ID}"') == first
    assert len({first, make(note="for another"), make(lives="1d"), make(key=str(uuid4())), make(bobs)}) == 5
    problem_of(ask(browser, "POST", "/invites", {}, **{"Idempotency-Key": "again"}), 422, "bad_frame")
    assert len({ask(browser, "POST", "/invites", {}).json()["id"] for _ in range(2)}) == 2
