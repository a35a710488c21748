"""What was edited or deleted is gone: no table, index, database file, write-ahead log or log line has it.

Looks for the bytes themselves, and makes sure that it would find them (docs/threats.md T63).
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from accounts.models import User
from conversations.jobs.checkpoint import checkpoint_if_filled
from conversations.models import Conversation
from conversations.search_index import tables
from conversations.services.search_indexing import Indexer
from tests.conversations.files import announce, delete, forward, send_file, send_part
from tests.factories import make_conversation
from tests.jobs.workers import run_due_jobs
from tests.rig.database_files import bytes_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

FIRST, SECOND = "quokkapassphrase", "wombatpassphrase"
SENT, EDITED = f"My {FIRST} is under the mat", f"My {SECOND} is under the mat"
LONG = " and so on" * 700
"""A body of several pages of the file."""


def tables_with(word: str) -> list[str]:
    """The tables in which any column of any row contains the word."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(word in as_text(value) for row in cursor.fetchall() for value in row):
                found.append(table)
    return found


def as_text(value: Any) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def files_with(word: str) -> list[str]:
    """The files of the database and of the data directory that contain the word, or its end: an index may
    store the beginning of a word once for several."""
    files = [path for path in Path(django_settings.DATA_DIR).rglob("*") if path.is_file()]
    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        files += [path for path in name.parent.glob(f"{name.name}*") if path.is_file()]
    return [path.name for path in files if word[2:].encode() in bytes_of(path)]


def housekeeping() -> None:
    """What the server does by itself within a minute."""
    assert Indexer().run()
    tables.drop_removed_words(connection)
    checkpoint_if_filled()
    if connection.vendor == "sqlite":
        log = Path(f"{connection.settings_dict['NAME']}-wal")
        assert not log.exists() or log.stat().st_size == 0


@pytest.mark.parametrize("rest", ["", LONG], ids=["short", "of several pages"])
def test_neither_an_edited_nor_a_deleted_text_is_found_anywhere(
    client_of: Callable[[User | None], Client],
    chat: Conversation,
    alice: User,
    bob: User,
    caplog: pytest.LogCaptureFixture,
    rest: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    browser, bobs = client_of(alice), client_of(bob)
    room = f"/api/v1/conversations/{chat.room_name}"

    def ask(client: Client, method: str, path: str, body: Any) -> Any:
        answer = client.generic(method, room + path, body, content_type="application/json")
        assert answer.status_code in {200, 201}
        return answer.json()

    ask(browser, "PUT", "/draft", f'{{"body": "{SENT}"}}')
    ask(browser, "POST", "/messages", f'{{"id": "{uuid4()}", "body": "{SENT}{rest}"}}')
    ask(bobs, "POST", "/messages", f'{{"id": "{uuid4()}", "body": "which mat?", "reply_to": 1}}')
    housekeeping()
    assert "message" in tables_with(FIRST), "the tables are read"
    if connection.vendor == "sqlite":
        assert files_with(FIRST) != [], "the files are read"

    ask(browser, "PATCH", "/messages/1", f'{{"body": "{EDITED}{rest}"}}')
    assert tables_with(FIRST) == [], "with the commit of the edit"
    housekeeping()
    assert "message" in tables_with(SECOND)
    assert files_with(FIRST) == []

    ask(browser, "DELETE", "/messages/1", "")
    assert tables_with(SECOND) == [], "with the commit of the deletion"
    housekeeping()
    assert (tables_with(FIRST), tables_with(SECOND)) == ([], [])
    assert (files_with(FIRST), files_with(SECOND)) == ([], [])
    assert FIRST not in caplog.text
    assert SECOND not in caplog.text
    for client in (browser, bobs):
        pages = [client.get(f"/chats/{chat.room_name}/"), client.get(f"{room}/messages"), client.get(room)]
        assert not any(word.encode() in page.content for page in pages for word in (FIRST, SECOND))


NAME, BYTES = "narwhalpassphrase", "ocelotpassphrase"
"""In the name and the description of a file, and in the file."""


def test_of_a_deleted_file_neither_name_nor_bytes_are_found_anywhere(
    client_of: Callable[[User | None], Client],
    chat: Conversation,
    alice: User,
    carol: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = client_of(alice)
    other = make_conversation(alice, carol)
    file = send_file(browser, chat, f"it says {BYTES}".encode(), name=f"{NAME}.txt")
    copy = forward(browser, chat, file["seq"], to=other)
    cancelled = announce(browser, 100, name=f"{NAME}.txt").json()["id"]
    send_part(browser, cancelled, 0, f"it says {BYTES}".encode())
    housekeeping()
    assert {"message", "stored_file", "upload", "search_row"} <= set(tables_with(NAME)), "the tables are read"
    assert files_with(BYTES) != [], "the files are read"

    browser.delete(f"/api/v1/attachments/{cancelled}")
    for room, seq in ((chat, file["seq"]), (other, copy["seq"])):
        assert delete(browser, room, seq).status_code == 200
    assert set(tables_with(NAME)) == {"stored_file"}, "its row waits for the job that removes the bytes"
    run_due_jobs()
    housekeeping()
    assert tables_with(NAME) == []
    assert (files_with(NAME), files_with(BYTES)) == ([], [])
    assert NAME not in caplog.text
    assert BYTES not in caplog.text
