"""Indexing on both databases: everything gets in, changes and deletions get out, also after kill -9."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import User
from conversations.jobs import search
from conversations.journal import batch
from conversations.models import Conversation, Message, SearchProgress, SearchRow
from conversations.search_index import progress, tables
from conversations.services import search_indexing
from conversations.services.search_indexing import Indexer
from tests.conversations.races import at_once
from tests.conversations.search.conftest import Search, page_of
from tests.factories import make_conversation, make_message, make_messages, make_user
from tests.journal.test_changed_messages import Rewording

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
CANARY = "canary7f3a9c"


def words_in_the_index() -> str:
    """Everything that the tables of the index hold, as text."""
    names = ["search_row"]
    if connection.vendor == "sqlite":
        names += ["search_fts_data", "search_fts_idx"]
    with connection.cursor() as cursor:
        found = []
        for name in names:
            cursor.execute(f"SELECT * FROM {name}")
            found += [value for row in cursor.fetchall() for value in row]
    return " ".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
        for value in (bytes(value) if isinstance(value, memoryview) else value for value in found)
    )


def test_a_round_indexes_what_is_new_and_costs_nothing_when_nothing_is(
    chat: Conversation, alice: User, django_assert_max_num_queries
) -> None:
    indexer = Indexer()
    make_message(chat, alice, "first")
    assert indexer.run()
    make_message(chat, alice, "second")
    assert indexer.run()
    assert SearchRow.objects.filter(conversation=chat).count() == 2
    assert SearchProgress.objects.get(conversation=chat).version == 2
    with django_assert_max_num_queries(2):
        assert indexer.run()


def test_what_a_killed_process_left_is_indexed_by_the_next_one(
    chat: Conversation, alice: User, found: Search
) -> None:
    """Nothing is remembered outside the database: a new indexer is a new process."""
    make_messages(chat, [alice], 3)
    assert found(alice, "message 2") == ["message 2"]


def test_a_process_that_dies_inside_a_round_leaves_nothing_half_done(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch, found: Search
) -> None:
    make_messages(chat, [alice], 3)
    with monkeypatch.context() as patch:
        patch.setattr(progress, "advance", lambda windows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Indexer().run()
    assert SearchRow.objects.count() == 0
    assert len(found(alice, "message")) == 3


def test_long_histories_are_indexed_in_bounded_transactions(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_indexing, "CHANGES_AT_ONCE", 4)
    for where in (chat, make_conversation(alice, make_user()), make_conversation(alice, make_user())):
        make_messages(where, [alice], 7)
    rounds: list[float] = []
    assert Indexer().run(pause=rounds.append)
    assert len(rounds) == 6
    assert SearchRow.objects.count() == 21


def test_a_round_ends_after_its_time_and_the_next_goes_on(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_indexing, "CHANGES_AT_ONCE", 2)
    make_messages(chat, [alice], 4)
    indexer = Indexer()
    assert not indexer.run(seconds=0.0)
    assert indexer.run()
    assert SearchRow.objects.count() == 4


def test_an_edit_takes_the_old_words_with_it_and_the_next_round_adds_the_new(
    chat: Conversation, alice: User, found: Search
) -> None:
    make_message(chat, alice, f"meet at {CANARY}")
    make_message(chat, alice, "another")
    assert len(found(alice, CANARY)) == 1
    batch.write([Rewording(chat.room_name, alice.id, 1, "meet at the harbour")])
    assert CANARY not in words_in_the_index(), "gone with the commit of the edit, before any round"
    assert found(alice, CANARY) == []
    assert found(alice, "harbour") == ["meet at the harbour"]


def test_an_edited_message_keeps_its_place_in_the_results(
    chat: Conversation, alice: User, found: Search
) -> None:
    start = timezone.now() - timedelta(hours=1)
    for number in range(3):
        make_message(chat, alice, f"lunch {number}", created_at=start + timedelta(minutes=number))
    assert len(found(alice, "lunch")) == 3
    batch.write([Rewording(chat.room_name, alice.id, 1, "lunch zero")])
    assert found(alice, "lunch") == ["lunch 2", "lunch 1", "lunch zero"]


def test_a_refused_transaction_keeps_the_words(chat: Conversation, alice: User, found: Search) -> None:
    make_message(chat, alice, "still here")
    assert found(alice, "still") == ["still here"]
    batch.write([Rewording(chat.room_name, alice.id, 99, "no such message")])
    assert found(alice, "still") == ["still here"]


def test_a_deleted_message_never_enters_the_index(chat: Conversation, alice: User, found: Search) -> None:
    make_message(chat, alice, CANARY)
    Message.objects.filter(conversation=chat).update(deleted_at=timezone.now())
    assert found(alice, CANARY) == []
    assert CANARY not in words_in_the_index()


@pytest.mark.parametrize("spoiled", ["body = x'ff00'", "created_at = 'yesterday'"])
def test_a_corrupt_row_keeps_no_other_message_out(
    chat: Conversation, alice: User, found: Search, spoiled: str
) -> None:
    """docs/threats.md F30: on SQLite a column may hold anything."""
    make_messages(chat, [alice], 3)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE message SET {spoiled} WHERE seq = 2")
    assert "message 3" in found(alice, "message")


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_index_at_once_write_each_message_once(
    chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [alice, bob], 30)
    at_once([lambda: Indexer().run()] * 3)
    assert Indexer().run()
    assert sorted(SearchRow.objects.values_list("seq", flat=True)) == list(range(1, 31))


@pytest.mark.django_db(transaction=True)
def test_edits_during_indexing_leave_no_old_word(chat: Conversation, alice: User) -> None:
    """A round reads a text, the edit commits, the round writes: the old words must not return."""
    for _ in range(20):
        make_message(chat, alice, CANARY)

    def edit() -> None:
        for seq in range(1, 21):
            batch.write([Rewording(chat.room_name, alice.id, seq, "clean")])

    def index() -> None:
        for _ in range(10):
            Indexer().run()

    at_once([edit, index, index])
    assert Indexer().run()
    assert CANARY not in words_in_the_index()
    assert len(page_of(alice, "clean").items) == 20


@pytest.mark.django_db(transaction=True)
def test_reindex_makes_everything_again(chat: Conversation, alice: User, found: Search) -> None:
    make_messages(chat, [alice], 3)
    assert len(found(alice, "message")) == 3
    SearchRow.objects.filter(seq=2).delete()
    assert len(found(alice, "message")) == 2
    output = StringIO()
    call_command("reindex", stdout=output)
    assert "complete" in output.getvalue()
    assert len(found(alice, "message")) == 3


def test_without_its_rows_nothing_is_left_in_the_index(
    chat: Conversation, alice: User, found: Search
) -> None:
    """Whatever removes rows: FTS5 follows by triggers."""
    make_message(chat, alice, CANARY)
    assert len(found(alice, CANARY)) == 1
    with transaction.atomic():
        SearchRow.objects.all().delete()
    assert CANARY not in words_in_the_index()


def test_long_texts_are_indexed_a_few_at_a_time(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred Chinese texts of 8,000 characters took 2.5 s in one transaction, and senders waited."""
    other = make_conversation(alice, make_user())
    for where in (chat, other):
        for length in (8_000, 8_000, 10, 10, 5_000):
            make_message(where, alice, "ж" * length)
    batch.write([Rewording(chat.room_name, alice.id, 3, "б" * 8_000)])
    monkeypatch.setattr(search_indexing, "CHARACTERS_AT_ONCE", 9_000)
    lengths: list[int] = []
    messages_in = progress.messages_in

    def measured(windows: list[progress.Window]) -> tuple[list[progress.IndexedMessage], set[int]]:
        found, skipped = messages_in(windows)
        lengths.append(sum(len(message.body) for message in found))
        return found, skipped

    monkeypatch.setattr(progress, "messages_in", measured)
    assert Indexer().run()
    assert max(lengths) <= 9_000
    assert len(lengths) < 10, "short texts share a transaction"
    assert SearchRow.objects.count() == 10


def test_one_text_above_the_bound_is_indexed_by_itself(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_message(chat, alice, "ж" * 8_000)
    monkeypatch.setattr(search_indexing, "CHARACTERS_AT_ONCE", 100)
    assert Indexer().run()
    assert SearchRow.objects.count() == 3


# --- SQLite before 3.42 ---


@pytest.fixture
def older_sqlite(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(tables, "FIRST_SECURE_DELETE", (99, 0, 0))
        yield
    # The following tests share this database.
    with transaction.atomic():
        tables.recreate(connection)


@pytest.mark.usefixtures("older_sqlite")
def test_an_older_sqlite_drops_removed_words_within_a_minute(
    chat: Conversation, alice: User, found: Search
) -> None:
    make_messages(chat, [alice], 300)
    make_message(chat, alice, CANARY)
    assert found(alice, CANARY) == [CANARY]
    assert not search.has_removed_words()
    batch.write([Rewording(chat.room_name, alice.id, 301, "clean")])
    assert found(alice, CANARY) == []
    if connection.vendor == "sqlite":
        assert search.has_removed_words(), "the beat adds its job"
        assert CANARY in words_in_the_index(), "or this test shows nothing"
    search.search_drop_removed_words.func()
    assert not search.has_removed_words(), "and adds no other one"
    assert CANARY not in words_in_the_index()
    assert found(alice, "clean") == ["clean"]
    assert len(found(alice, "message")) > 0


@pytest.mark.usefixtures("older_sqlite")
def test_a_merge_that_was_interrupted_begins_again(
    chat: Conversation, alice: User, found: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_messages(chat, [alice], 300)
    make_message(chat, alice, CANARY)
    assert found(alice, CANARY) == [CANARY]
    batch.write([Rewording(chat.room_name, alice.id, 301, "clean")])
    if connection.vendor == "sqlite":
        monkeypatch.setattr(tables, "MERGE_PAGES", 1)
        with pytest.raises(ZeroDivisionError):
            tables.drop_removed_words(connection, lambda taken: 1 / 0)
        assert search.has_removed_words()
    tables.drop_removed_words(connection)
    assert CANARY not in words_in_the_index()


@pytest.mark.django_db(transaction=True)
def test_an_index_of_another_sqlite_is_made_again(
    chat: Conversation, alice: User, found: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file from a machine with an older or a newer SQLite. A format that is too new allows no statement."""
    make_message(chat, alice, CANARY)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "FIRST_SECURE_DELETE", (99, 0, 0))
        assert found(alice, CANARY) == [CANARY]
        assert tables.is_of_this_sqlite(connection)
    assert tables.is_of_this_sqlite(connection) is (connection.vendor != "sqlite")
    assert found(alice, CANARY) == [CANARY]
    assert tables.is_of_this_sqlite(connection)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE search_fts_config SET v = 6 WHERE k = 'version'")
            cursor.execute("DELETE FROM search_fts_config WHERE k = 'secure-delete'")
        connection.close()
        with pytest.raises(DatabaseError):
            page_of(alice, CANARY)
        assert found(alice, CANARY) == [CANARY]
