"""Search in messages on both databases: what is found, in which order, and by whom."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from conversations.access import access_conversation
from conversations.models import Conversation, HiddenMessage, Message, Participant
from conversations.search_index import rows
from conversations.search_index.queries import Query, matches_of
from conversations.search_index.rows import Entry
from conversations.selectors import search
from conversations.selectors.search import PAGE, search_messages
from conversations.services.search_indexing import Indexer
from tests.conversations.search.conftest import Search, page_of
from tests.factories import make_conversation, make_message, make_messages, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

HOSTILE = [
    '"', "*", "'", "\\", "hello OR", "hello AND NOT", "NEAR(hello world, 2)", "text:hello", "^hello",
    "{text}:hello", 'hello"*', '"hello" + "world"', "hello*world", "(hello", ")(", "hello:*", "-hello",
    "!hello", "hello & | !", "':*", "hello\0world", "\ud800", "hello\udfff", "x" * 500, "x" * 100_000,
    "hello " * 500, " ".join(map(str, range(300))), "🌿🌿🌿", "\u202ehello", "%_%", "; DROP TABLE x;",
    "hello <-> world", '"' * 499, "a b c d e f g h i j k l m n o p q r s t " * 3, "天" * 400, "\u0301" * 400,
]  # fmt: skip


def test_both_find_what_one_has_written(chat: Conversation, alice: User, bob: User, found: Search) -> None:
    make_message(chat, alice, "The train leaves at noon")
    for user in (alice, bob):
        assert found(user, "train") == ["The train leaves at noon"]
        assert found(user, "train", chat) == ["The train leaves at noon"]


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("noon train", True),
        ("train no", True),
        ("tr", True),
        ("tra noon", False),
        ("train boat", False),
        ('"leaves at"', True),
        ('"at leaves"', False),
        ('"leaves a', True),
        ('"leaves a"', False),
        ("leaves a", True),
        ("TRÁIN", True),
        ("trainx", False),
        ("trains", False),
        ("leaves at noon train the", True),
        ("leav", True),
        ("leave", True),
        ("leaves", True),
    ],
)
def test_all_words_must_occur_and_the_last_may_be_a_beginning(
    chat: Conversation, alice: User, found: Search, typed: str, is_found: bool
) -> None:
    make_message(chat, alice, "The train leaves at noon")
    assert bool(found(alice, typed)) is is_found


@pytest.mark.parametrize(
    ("body", "typed"),
    [
        ("Ёлка и йод", "елка"),
        ("Meu coração", "coracao"),
        ("今天天气很好", "天气"),
        ("今天天气很好", "天气很好"),
        ("喝茶 吃饭", "茶 饭"),
        ("東京タワー", "タワ"),
        ("สวัสดีครับ", "ดีครับ"),
        ("한국어 공부", "한국 "),
        ("سلام دنیا", "سلام"),
        ("שָׁלוֹם", "שלום"),
        ("x" * 500, "x" * 500),
        ("call 14:07", "14 07"),
    ],
)
def test_every_script_is_found(chat: Conversation, alice: User, found: Search, body: str, typed: str) -> None:
    make_message(chat, alice, body)
    make_message(chat, alice, "something else")
    assert found(alice, typed) == [body]


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_is_typed_is_an_error(
    chat: Conversation, alice: User, found: Search, typed: str
) -> None:
    make_message(chat, alice, "hello world")
    assert set(found(alice, typed)) <= {"hello world"}


def test_no_typed_word_is_a_token_of_a_person_or_a_chat(
    chat: Conversation, alice: User, bob: User, mallory: User, found: Search
) -> None:
    """A user who could type them would search in the chats of others (docs/threats.md T6)."""
    make_message(chat, alice, "hello world")
    for typed in (f"_p{bob.id}", f"_p{bob.id} hello", f'" OR "_p{bob.id}', f"_c{chat.id} AND hello", "<he"):
        assert found(mallory, typed) == []


def test_the_newest_come_first_over_all_chats(
    chat: Conversation, alice: User, bob: User, carol: User, found: Search
) -> None:
    other, now = make_conversation(alice, carol), timezone.now()
    for minutes, (where, sender) in enumerate([(chat, bob), (other, carol), (chat, alice), (other, alice)]):
        make_message(where, sender, f"lunch {minutes}", created_at=now - timedelta(minutes=9 - minutes))
    assert found(alice, "lunch") == ["lunch 3", "lunch 2", "lunch 1", "lunch 0"]
    assert found(alice, "lunch", chat) == ["lunch 2", "lunch 0"]
    assert found(bob, "lunch") == ["lunch 2", "lunch 0"]


def test_pages_follow_each_other_without_gaps(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 70)
    Indexer().run()
    for within in (None, chat):
        seen: list[int] = []
        cursor: str | None = None
        while True:
            page = page_of(bob, "message", within, cursor)
            assert len(page.items) <= PAGE
            seen += [item.message.seq for item in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == list(range(70, 0, -1))


def test_one_request_compares_a_bounded_amount_of_text(
    chat: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mallory writes long messages that have all but one word of a long query: each would be compared."""
    compared: list[str] = []

    def compare(query: Query, text: str) -> list[tuple[int, int]] | None:
        compared.append(text)
        return matches_of(query, text)

    monkeypatch.setattr(search, "matches_of", compare)
    monkeypatch.setattr(search, "JUDGED_CHARS", 50)
    make_messages(chat, [alice, bob], 20)
    Indexer().run()
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = page_of(bob, "message", None, cursor)
        assert sum(map(len, compared[:-1])) < 50
        compared.clear()
        seen += [item.message.seq for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(range(20, 0, -1))


def test_messages_of_one_instant_are_all_found(chat: Conversation, alice: User, found: Search) -> None:
    """Imported messages may share a time, which begins the id of their row."""
    now = timezone.now()
    for number in range(5):
        make_message(chat, alice, f"same {number}", created_at=now)
    assert len(found(alice, "same")) == 5
    make_message(chat, alice, "same 5", created_at=now)
    assert found(alice, "same") == [f"same {number}" for number in range(5, -1, -1)]


def test_a_stranger_finds_nothing(
    chat: Conversation, alice: User, mallory: User, carol: User, found: Search
) -> None:
    make_conversation(carol, alice)
    make_message(chat, alice, "a secret")
    assert found(mallory, "secret") == []
    assert found(carol, "secret") == []


def test_a_wrong_row_of_the_index_shows_nothing_to_others(
    chat: Conversation, alice: User, mallory: User
) -> None:
    """The index names candidates; rights are judged on the user's own rows (docs/threats.md T6)."""
    message = make_message(chat, alice, "a secret")
    rows.insert([Entry(chat.id, 1, mallory.id, alice.id, message.created_at, ["a", "secret"])])
    assert page_of(mallory, "secret").items == []


def test_a_chat_that_does_not_show_in_bobs_list_is_not_searched(
    chat: Conversation, alice: User, bob: User, found: Search
) -> None:
    make_message(chat, alice, "not sent yet")
    Participant.objects.filter(conversation=chat, user=bob).update(activity=None)
    assert found(bob, "sent") == []
    assert found(alice, "sent") == ["not sent yet"]


def test_deleted_hidden_and_cleared_messages_are_not_found(
    chat: Conversation, alice: User, bob: User, found: Search
) -> None:
    for number in range(1, 5):
        make_message(chat, alice, f"word {number}")
    assert len(found(bob, "word")) == 4
    # Without the job and the transaction of the deletion: the row alone decides.
    Message.objects.filter(conversation=chat, seq=4).update(deleted_at=timezone.now(), body="")
    HiddenMessage.objects.create(conversation=chat, seq=3, user=bob, mark=1)
    Participant.objects.filter(conversation=chat, user=bob).update(cleared_seq=1)
    assert found(bob, "word") == ["word 2"]
    assert found(alice, "word") == ["word 3", "word 2", "word 1"]


def test_hidden_messages_leave_no_gap_in_a_page(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice], 60)
    Indexer().run()
    HiddenMessage.objects.bulk_create(
        HiddenMessage(conversation=chat, seq=seq, user=bob, mark=seq) for seq in range(11, 61)
    )
    page = page_of(bob, "message")
    assert ([item.message.seq for item in page.items], page.next) == (list(range(10, 0, -1)), None)


def test_the_number_of_queries_does_not_depend_on_the_number_of_messages(
    chat: Conversation, alice: User, django_assert_max_num_queries
) -> None:
    peers = [make_conversation(alice, make_user()) for _ in range(5)]
    for where in (chat, *peers):
        make_messages(where, [alice], 5)
    Indexer().run()
    with django_assert_max_num_queries(6):
        assert len(search_messages(user=alice, typed="message").items) == 30
    membership = access_conversation(alice, chat.room_name)
    with django_assert_max_num_queries(6):
        assert len(search_messages(user=alice, typed="message", membership=membership).items) == 5


def test_a_common_word_of_one_letter_is_compared_in_the_texts(
    chat: Conversation, alice: User, found: Search
) -> None:
    make_message(chat, alice, "hello world")
    make_message(chat, alice, "hello you")
    assert found(alice, "hello w") == ["hello world"]


def test_a_search_that_reads_too_much_ends(db: None) -> None:
    """SQLite has no timeout of statements, and sixteen such searches would take all threads of pages. This
    statement never ends by itself (docs/threats.md T35)."""
    if connection.vendor != "sqlite":
        return
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with rows.interrupted_after(0.01), connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute(endless)
    with rows.interrupted_after(0.01), connection.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_a_search_that_takes_too_long_is_busy(
    client_of: Callable[[User], Client], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*args: object, **options: object) -> None:
        raise OperationalError("interrupted")

    monkeypatch.setattr(search, "hits", give_up)
    answer = client_of(alice).get("/api/v1/search?q=train")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert client_of(alice).get("/chats/?q=train").status_code == 503
