"""Unknown results: the database fails right after a commit.

No response says "not stored" of what is stored.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from accounts.models import User
from conversations.db.errors import WriteWatch
from conversations.models import Conversation, Message
from conversations.selectors.invites import token_of
from conversations.services.invites import invite_create
from tests.factories import make_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
LOST = OperationalError("server closed the connection unexpectedly")


@pytest.fixture
def lose_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """After the first write of this table, every statement fails."""
    is_lost = armed = False
    table = ""

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_lost
        if is_lost:
            raise LOST
        return execute(sql, params, many, context)

    real = BaseDatabaseWrapper.commit

    def commit(self: Any) -> None:
        nonlocal is_lost
        real(self)
        is_lost = is_lost or armed

    def write(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_lost, armed
        answer = execute(sql, params, many, context)
        if table and table in sql and not sql.startswith("SELECT"):
            armed = True
            is_lost = not context["connection"].in_atomic_block
        return answer

    def arm(name: str) -> None:
        nonlocal table
        table = name

    monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)
    with connection.execute_wrapper(execute), connection.execute_wrapper(write):
        yield arm


@pytest.fixture
def browser(client_of: Callable[..., Client], alice: User) -> Client:
    return client_of(alice, raise_request_exception=False)


def ask(browser: Client, method: str, path: str, body: Any) -> Any:
    return browser.generic(method, f"/api/v1{path}", json.dumps(body), "application/json")


def test_a_send_is_answered_from_its_own_result(
    browser: Client, chat: Conversation, lose_after: Callable[[str], None]
) -> None:
    lose_after("message")
    id = str(uuid4())
    answer = ask(browser, "POST", f"/conversations/{chat.room_name}/messages", {"id": id, "body": "hello"})
    assert answer.status_code == 201
    assert {**answer.json()["message"], "created_at": ""} == {
        "seq": 1, "version": 1, "id": id, "sender": answer.json()["message"]["sender"], "ordinal": 1,
        "kind": "text", "body": "hello", "reply_to": None, "reply": None, "attachments": [], "reactions": [],
        "created_at": "", "edited_at": None, "deleted_at": None,
        "deleted_for_me": False, "expires_at": None, "event": None,
    }  # fmt: skip


def test_a_repeat_is_answered_like_the_first(browser: Client, chat: Conversation, alice: User) -> None:
    path, body = f"/conversations/{chat.room_name}/messages", {"id": str(uuid4()), "body": "hello"}
    first, again = [ask(browser, "POST", path, body) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()["duplicate"]) == (201, 200, True)
    assert first.json()["message"] == again.json()["message"]


def test_a_repeat_of_a_changed_message_gets_its_current_form(browser: Client, chat: Conversation) -> None:
    path, body = f"/conversations/{chat.room_name}/messages", {"id": str(uuid4()), "body": "hello"}
    ask(browser, "POST", path, body)
    Message.objects.update(version=2, body="")
    Conversation.objects.update(head=2)
    assert ask(browser, "POST", path, body).json()["message"]["body"] == ""


@pytest.mark.parametrize(
    ("method", "query", "body", "table"),
    [
        ("PATCH", "", {"body": "changed"}, "message"),
        ("DELETE", "", {}, "message"),
        ("DELETE", "?scope=me", {}, "hidden_message"),
    ],
)
def test_a_change_is_answered_from_its_own_result_and_repeated_without_harm(
    browser: Client,
    chat: Conversation,
    alice: User,
    lose_after: Callable[[str], None],
    method: str,
    query: str,
    body: Any,
    table: str,
) -> None:
    make_message(chat, alice, "hello")
    path = f"/conversations/{chat.room_name}/messages/1{query}"
    lose_after(table)
    answer = ask(browser, method, path, body)
    assert answer.status_code == 200
    assert answer.json()["message"]["body"] == body.get("body", "")


ROUTES: dict[str, tuple[str, str, Any, str]] = {
    "open a chat": ("POST", "/conversations", {"user": "carol"}, "participant"),
    "a receipt": ("PUT", "/conversations/{room}/receipt", {"read": 1}, "participant"),
    "make an invite": ("POST", "/invites", {}, "invite"),
    "change an invite": ("PATCH", "/invites/{invite}", {"note": "for Bob"}, "invite"),
    "stop an invite": ("DELETE", "/invites/{invite}", {}, "invite"),
    "accept an invite": ("POST", "/invites/claim", {"token": "{token}"}, "invite"),
}


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_of_the_api_says_not_stored_of_what_is_stored(
    browser: Client,
    chat: Conversation,
    alice: User,
    bob: User,
    carol: User,
    lose_after: Callable[[str], None],
    route: str,
) -> None:
    make_message(chat, bob, "hello")
    mine, carols = invite_create(inviter=alice), invite_create(inviter=carol)
    method, path, body, table = ROUTES[route]
    words = {"room": chat.room_name, "invite": str(mine.pk)}
    body = {
        key: value.format(token=token_of(carols.pk)) if isinstance(value, str) else value
        for key, value in body.items()
    }
    lose_after(table)
    answer = ask(browser, method, path.format(**words), body)
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (
        504,
        "unknown_result",
        True,
    )
    assert "Retry-After" in answer.headers


def test_a_form_does_not_say_that_nothing_was_saved(
    client_of: Callable[..., Client], lose_after: Callable[[str], None]
) -> None:
    browser = client_of(None, raise_request_exception=False)
    lose_after("accounts_user")
    answer = browser.post(
        "/accounts/signup/", {"username": "dave", "name": "Dave", "password1": "correct horse battery"}
    )
    assert answer.status_code == 504
    assert "We can’t tell whether this was saved" in answer.content.decode()


def test_what_fails_before_the_write_is_surely_not_stored(
    browser: Client, alice: User, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**values: Any) -> Any:
        raise LOST

    monkeypatch.setattr("conversations.api.routes.conversation_open", fail)
    monkeypatch.setattr("conversations.api.routes.person_startable", lambda *values: carol)
    answer = ask(browser, "POST", "/conversations", {"user": "carol"})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")


# --- The write watch ---


class DriverConnection:
    """A connection of the driver."""

    closed = False


class Wrapper:
    """Django's connection: within a transaction, or with autocommit."""

    def __init__(self, *, in_transaction: bool) -> None:
        self.in_atomic_block, self.connection = in_transaction, DriverConnection()
        self.commits: list[Callable[[], None]] = []

    def on_commit(self, work: Callable[[], None]) -> None:
        self.commits.append(work)


@pytest.mark.only_postgresql
@pytest.mark.parametrize("in_transaction", [True, False])
@pytest.mark.parametrize("ends_in", ["the statement", "the commit", "a question after it", "nothing"])
def test_the_write_watch_knows_what_may_be_stored(in_transaction: bool, ends_in: str) -> None:
    watch, wrapper = WriteWatch(), Wrapper(in_transaction=in_transaction)
    context = {"connection": wrapper}

    def fail(*words: Any) -> Any:
        wrapper.connection.closed = True
        raise LOST

    if ends_in == "the statement":
        with pytest.raises(OperationalError):
            watch(fail, "UPDATE x", (), False, context)
        assert watch.may_be_stored == (not in_transaction), "a transaction ends before its commit"
        return
    watch(lambda *words: None, "SELECT 1", (), False, context)
    assert not watch.may_be_stored
    watch(lambda *words: None, "UPDATE x", (), False, context)
    if in_transaction:
        assert not watch.may_be_stored
        if ends_in == "the commit":
            wrapper.connection.closed = True
            assert watch.may_be_stored
            return
        wrapper.commits[0]()
    if ends_in == "a question after it":
        with pytest.raises(OperationalError):
            watch(fail, "SELECT 1", (), False, context)
    assert watch.may_be_stored


def test_a_transaction_that_only_began_has_stored_nothing() -> None:
    """A full disk fails its first write: not an unknown result, although Django sends BEGIN before it."""
    watch = WriteWatch()
    with connection.execute_wrapper(watch), suppress(OperationalError), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        raise OperationalError("database or disk is full")
    assert not watch.may_be_stored
