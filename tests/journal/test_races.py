"""Many clients at once, through the real writer: what the numbers promise, in every order of events."""

from collections import Counter
from itertools import pairwise
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from accounts.models import User
from conversations.access import access_conversation
from conversations.exceptions import CannotDeliver, MessageConflict
from conversations.journal import Accepted
from conversations.models import Conversation, Message, Participant
from conversations.selectors.changes import changes_after
from conversations.selectors.messages import message_page
from tests.factories import make_conversation
from tests.journal.writers import (
    TIMEOUT_S,
    StoppableWriter,
    at_once,
    reading,
    results,
    running_writers,
    sending,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

THREADS, EACH = 6, 30
EVERYTHING = THREADS * EACH


def numbers(chat: Conversation) -> list[int]:
    return list(Message.objects.filter(conversation=chat).order_by("seq").values_list("seq", flat=True))


def talking(writer: StoppableWriter, chat: Conversation, person: User) -> Any:
    """One device that sends as fast as it can and reads what came."""

    def talk() -> list[Accepted]:
        futures = []
        for count in range(EACH):
            futures.append(writer.submit(sending(chat, person, f"{person.username} {count}")))
            if count % 10 == 9:
                results([writer.submit(reading(chat, person, read=count))])
        return results(futures)

    return talk


def talkers(writers: list[StoppableWriter], chat: Conversation, *people: User) -> list[Any]:
    return [
        talking(writers[index % len(writers)], chat, people[index % len(people)]) for index in range(THREADS)
    ]


# --- I1, I3, I4: dense numbers, one row a message, exact counters ---


@pytest.mark.parametrize("processes", [1, 2])
def test_alice_and_bob_write_at_once_and_no_number_is_missing_or_given_twice(chat, alice, bob, processes):
    """With two writers on one room, as in two processes, the lock of the row decides, not the memory of one
    of them."""
    with running_writers(processes) as writers:
        accepted = [one for device in at_once(*talkers(writers, chat, alice, bob)) for one in device]
    assert sorted(one.seq for one in accepted) == list(range(1, EVERYTHING + 1))
    assert numbers(chat) == list(range(1, EVERYTHING + 1))
    chat.refresh_from_db()
    assert chat.head == EVERYTHING
    assert not any(one.duplicate for one in accepted)


@pytest.mark.parametrize("processes", [1, 2])
def test_each_device_finds_its_messages_in_the_order_it_sent_them(chat, alice, bob, processes):
    with running_writers(processes) as writers:
        devices = at_once(*talkers(writers, chat, alice, bob))
    for device in devices:
        assert all(earlier.seq < later.seq for earlier, later in pairwise(device))
        assert all(earlier.created_at <= later.created_at for earlier, later in pairwise(device))


@pytest.mark.parametrize("processes", [1, 2])
def test_counters_equal_a_real_count_after_a_race(chat, alice, bob, processes):
    with running_writers(processes) as writers:
        at_once(*talkers(writers, chat, alice, bob))
    for person in (alice, bob):
        mine = Participant.objects.get(conversation=chat, user=person)
        to_me = Message.objects.filter(conversation=chat).exclude(sender=person).order_by("seq")
        assert mine.received == to_me.count()
        assert list(to_me.values_list("ordinal", flat=True)) == list(range(1, mine.received + 1))
        assert mine.read_count == to_me.filter(seq__lte=mine.read_seq).count()
        assert mine.unread == to_me.filter(seq__gt=mine.read_seq).count()


def test_the_same_send_a_hundred_times_at_once_is_one_message(chat, alice):
    """A nervous network: every repeat, over either process, gets the one number."""
    command = sending(chat, alice)
    with running_writers(2) as writers:
        answers = results(
            future
            for futures in at_once(
                *[lambda writer=writer: [writer.submit(command) for _ in range(10)] for writer in writers * 5]
            )
            for future in futures
        )
    assert len(answers) == 100
    assert {(answer.seq, answer.version, answer.created_at) for answer in answers} == {
        (1, 1, answers[0].created_at)
    }
    assert Counter(answer.duplicate for answer in answers) == {False: 1, True: 99}
    assert Message.objects.count() == 1


def test_of_two_texts_under_one_id_at_once_exactly_one_is_stored(chat, alice):
    shared = uuid4()
    with running_writers(2) as (one, other):
        futures = at_once(
            *[
                lambda n=n: [
                    writer.submit(sending(chat, alice, f"text {n}", id=shared)) for writer in (one, other)
                ]
                for n in range(8)
            ]
        )
        outcomes = [future.exception(TIMEOUT_S) or future.result() for pair in futures for future in pair]
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    assert len(accepted) == 2, "the winner's text, and its repeat over the other process"
    assert {type(outcome) for outcome in outcomes} == {Accepted, MessageConflict}
    assert Message.objects.count() == 1


def test_rooms_that_share_batches_in_opposite_order_do_not_lock_each_other_out(alice, bob, carol):
    """Unsorted locking of several rows is a deadlock; PostgreSQL would kill one of the two batches."""
    rooms = [make_conversation(alice, bob), make_conversation(alice, carol)]

    def flood(writer: StoppableWriter, order: list[Conversation]) -> Any:
        return lambda: results([writer.submit(sending(room, alice)) for _ in range(40) for room in order])

    with running_writers(2) as (one, other):
        at_once(flood(one, rooms), flood(other, rooms[::-1]))
    assert [numbers(room) for room in rooms] == [list(range(1, 81))] * 2


def test_no_message_passes_a_block_that_was_acknowledged(chat, alice, bob):
    """The block is judged on the locked row; judged before the queue, a send could slip behind it (I10)."""
    heads_at_block: list[int] = []

    def block() -> None:
        with transaction.atomic():
            locked = Conversation.objects.select_for_update(no_key=True).get(pk=chat.pk)
            locked.low_blocks = True
            locked.save(update_fields=["low_blocks"])
            heads_at_block.append(locked.head)

    with running_writers(2) as (one, other):

        def send(writer: StoppableWriter) -> list[Any]:
            futures = [writer.submit(sending(chat, alice)) for _ in range(60)]
            return [future.exception(TIMEOUT_S) or future.result() for future in futures]

        mine, others, _ = at_once(lambda: send(one), lambda: send(other), block)
    accepted = [outcome for outcome in mine + others if isinstance(outcome, Accepted)]
    assert {type(outcome) for outcome in mine + others} <= {Accepted, CannotDeliver}
    assert len(accepted) == heads_at_block[0] == len(numbers(chat))


# --- I2, I6: a reader that sees a number sees everything below it ---


def follow(chat: Conversation, reader: User, is_over: Event) -> list[str]:
    """A device that syncs without pause while others write. Returns what it saw that must not be."""
    wrong: list[str] = []
    membership = access_conversation(reader, chat.room_name)
    seen: list[int] = []
    cursor = 0
    while True:
        was_over = is_over.is_set()
        changes = changes_after(membership=membership, after=cursor)
        seen += [message.seq for message in changes.messages]
        if changes.version != (seen[-1] if seen else 0):
            wrong.append(f"the cursor {changes.version} is not the last row {seen[-1:]}")
        cursor = changes.version
        page = message_page(membership=membership, limit=5)
        shown = [message.seq for message in page.items]
        if shown and (shown != list(range(shown[0], shown[-1] + 1)) or shown[-1] < page.version):
            wrong.append(f"a fresh device would go live from {page.version} with {shown}")
        if was_over:
            break
    if seen != list(range(1, len(seen) + 1)):
        wrong.append(f"the follower has a hole or a repeat: {seen}")
    if len(seen) != EVERYTHING:
        wrong.append(f"the follower ended with {len(seen)} of {EVERYTHING}")
    return wrong


@pytest.mark.parametrize("processes", [1, 2])
def test_bob_following_while_all_others_write_misses_nothing(chat, alice, bob, processes):
    """In a test of the design, a database sequence lost every fifth row for ever to such a reader."""
    is_over = Event()
    with running_writers(processes) as writers:
        works = talkers(writers, chat, alice, bob)

        def write_all() -> None:
            try:
                at_once(*works)
            finally:
                is_over.set()

        first, second, _ = at_once(
            lambda: follow(chat, bob, is_over), lambda: follow(chat, alice, is_over), write_all
        )
    assert first + second == []


def test_what_is_visible_is_always_a_whole_beginning(chat, alice, bob):
    """A read at any moment finds 1 to n and a head of n."""
    is_over = Event()
    reads: list[tuple[list[int], int]] = []

    def read() -> None:
        while True:
            was_over = is_over.is_set()
            with_head = (
                Message.objects.filter(conversation=chat)
                .order_by("seq")
                .values_list("seq", "conversation__head")
            )
            rows = list(with_head)
            reads.append(([seq for seq, _ in rows], rows[-1][1] if rows else 0))
            if was_over:
                return

    with running_writers(2) as writers:
        works = talkers(writers, chat, alice, bob)

        def write_all() -> None:
            try:
                at_once(*works)
            finally:
                is_over.set()

        at_once(read, write_all)
    assert [read for read in reads if read[0] != list(range(1, read[1] + 1))] == []
    assert reads[-1][1] == EVERYTHING


# --- I5: receipts are registers ---


def test_receipts_of_many_devices_at_once_end_at_the_furthest(chat, alice, bob):
    with running_writers(2) as (one, other):
        results([one.submit(sending(chat, alice)) for _ in range(40)])
        positions = [
            list(range(1, 41)),
            list(range(40, 0, -1)),
            list(range(1, 41, 3)),
            list(range(40, 0, -3)),
        ]
        answers = at_once(
            *[
                lambda writer=writer, reads=reads: results(
                    [writer.submit(reading(chat, bob, read=seq)) for seq in reads]
                )
                for writer, reads in zip((one, other, one, other), positions, strict=True)
            ]
        )
    for device in answers:
        assert all(
            earlier.read <= later.read and earlier.mark <= later.mark for earlier, later in pairwise(device)
        ), "a receipt went back"
    bobs, alices = (Participant.objects.get(user=person) for person in (bob, alice))
    assert (bobs.read_seq, bobs.delivered_seq, bobs.read_count, bobs.unread, bobs.shown_read) == (
        40,
        40,
        40,
        0,
        40,
    )
    assert bobs.mark == alices.mark, "each step that bob took was shown to alice, and counted in both views"
