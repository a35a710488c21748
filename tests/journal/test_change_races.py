"""Edits, deletions and hidings at the same instant, through real writers: one order, and a deletion wins."""

from collections import Counter
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from conversations.exceptions import CannotDeliver, MessageGone, VersionConflict
from conversations.journal import Changed, batch
from conversations.models import Conversation, HiddenMessage, Message, Participant
from tests.journal.writers import (
    TIMEOUT_S,
    StoppableWriter,
    at_once,
    deleting,
    editing,
    hiding,
    running_writers,
    sending,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
ROUNDS = 20


def outcomes(writer: StoppableWriter, *commands: Any) -> list[Any]:
    """What each command ended with, a result or a refusal; all are submitted before the first answer."""
    futures = [writer.submit(command) for command in commands]
    return [future.exception(TIMEOUT_S) or future.result() for future in futures]


def write_messages(chat: Conversation, sender: User, count: int) -> None:
    with running_writers() as (writer,):
        outcomes(writer, *[sending(chat, sender, f"message {number}") for number in range(count)])


@pytest.mark.parametrize("processes", [1, 2])
def test_if_it_was_deleted_on_any_device_its_text_is_nowhere(chat, alice, processes):
    """The phone edits while the laptop deletes: whatever came first, nothing of either text is left."""
    write_messages(chat, alice, ROUNDS)
    with running_writers(processes) as writers:
        seqs = range(1, ROUNDS + 1)
        edits, deletions = at_once(
            lambda: outcomes(writers[0], *[editing(chat, alice, seq, f"secret {seq}") for seq in seqs]),
            lambda: outcomes(writers[-1], *[deleting(chat, alice, seq) for seq in seqs]),
        )
    assert {type(outcome) for outcome in edits} <= {Changed, MessageGone}
    assert {type(outcome) for outcome in deletions} == {Changed}
    rows = list(Message.objects.order_by("seq"))
    assert [(row.body, row.fingerprint, row.edited_at) for row in rows] == [("", None, None)] * ROUNDS
    assert [row.version for row in rows] == [outcome.version for outcome in deletions], "the last word"
    changes = sorted(outcome.version for outcome in edits + deletions if isinstance(outcome, Changed))
    chat.refresh_from_db()
    assert changes == list(range(ROUNDS + 1, chat.head + 1)), "numbers without a hole"


@pytest.mark.parametrize("processes", [1, 2])
def test_of_many_edits_at_once_the_one_with_the_last_number_stays(chat, alice, processes):
    write_messages(chat, alice, 1)
    with running_writers(processes) as writers:
        found = at_once(
            *[
                lambda device=device: outcomes(
                    writers[device % processes],
                    *[editing(chat, alice, 1, f"{device} {number}") for number in range(ROUNDS)],
                )
                for device in range(4)
            ]
        )
    texts = {outcome.version: outcome.message.body for device in found for outcome in device}
    message = Message.objects.get()
    assert sorted(texts) == list(range(2, 4 * ROUNDS + 2))
    assert (message.version, message.body) == (4 * ROUNDS + 1, texts[4 * ROUNDS + 1])
    for device in found:
        versions = [outcome.version for outcome in device]
        assert versions == sorted(versions), "changes of one device keep their order"


@pytest.mark.parametrize("processes", [1, 2])
def test_of_many_edits_of_one_version_exactly_one_is_stored(chat, alice, processes):
    write_messages(chat, alice, 1)
    with running_writers(processes) as writers:
        found = at_once(
            *[
                lambda device=device: outcomes(
                    writers[device % processes], editing(chat, alice, 1, f"device {device}", version=1)
                )
                for device in range(8)
            ]
        )
    kinds = Counter(type(outcome) for (outcome,) in found)
    assert kinds == {Changed: 1, VersionConflict: 7}
    (stored,) = [outcome for (outcome,) in found if isinstance(outcome, Changed)]
    assert Message.objects.get().body == stored.message.body


def test_the_same_deletion_and_the_same_hiding_a_hundred_times_at_once_happen_once(chat, alice, bob):
    write_messages(chat, alice, 1)
    with running_writers(2) as writers:
        found = at_once(
            *[
                lambda writer=writer: outcomes(writer, *[deleting(chat, alice, 1), hiding(chat, bob, 1)] * 10)
                for writer in writers * 5
            ]
        )
    deletions = {outcome.version for device in found for outcome in device[::2]}
    hidings = {outcome.mark for device in found for outcome in device[1::2]}
    assert (deletions, hidings) == ({2}, {1})
    assert HiddenMessage.objects.count() == 1
    assert Participant.objects.get(user=bob).mark == 1


def test_no_edit_passes_a_block_that_was_acknowledged(chat, alice, bob):
    """As for a send: the block is judged on the locked row (I10)."""
    write_messages(chat, alice, 1)
    heads_at_block: list[int] = []

    def block() -> None:
        with transaction.atomic():
            locked = Conversation.objects.select_for_update(no_key=True).get(pk=chat.pk)
            locked.high_blocks = True
            locked.save(update_fields=["high_blocks"])
            heads_at_block.append(locked.head)

    with running_writers(2) as (one, other):
        mine, others, _ = at_once(
            lambda: outcomes(one, *[editing(chat, alice, 1, f"one {number}") for number in range(60)]),
            lambda: outcomes(other, *[editing(chat, alice, 1, f"other {number}") for number in range(60)]),
            block,
        )
        assert {type(outcome) for outcome in mine + others} <= {Changed, CannotDeliver}
        stored = [outcome.version for outcome in mine + others if isinstance(outcome, Changed)]
        chat.refresh_from_db()
        assert max(stored, default=1) == heads_at_block[0] == chat.head
        assert isinstance(outcomes(one, deleting(chat, alice, 1))[0], Changed), "but it can be taken back"


def test_one_batch_may_write_a_message_edit_it_hide_it_and_delete_it(chat, alice, bob):
    """The number of a send that is still on its way can be guessed."""
    found = [
        outcome.result
        for outcome in batch.write(
            [
                sending(chat, alice, "one"),
                editing(chat, alice, 1, "two"),
                hiding(chat, bob, 1),
                deleting(chat, alice, 1),
                editing(chat, alice, 1, "three"),
                sending(chat, bob, "four"),
            ]
        )[0]
    ]
    assert [getattr(outcome, "version", None) for outcome in found] == [1, 2, None, 3, None, 4]
    assert isinstance(found[4], MessageGone)
    rows = Message.objects.order_by("seq").values_list("seq", "version", "body")
    assert list(rows) == [(1, 3, ""), (4, 4, "four")]
