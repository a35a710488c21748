"""Batches: numbering, repeats, refusals, counters."""

import random
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations.exceptions import CannotDeliver, ConversationNotFound, MessageConflict, MessageNotFound
from conversations.journal import Accepted, Advanced, DraftCommand, ReceiptCommand, SendCommand, batch
from conversations.models import Conversation, Message, Participant

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def sending(chat: Conversation, sender: User, body: str = "hello", **values: object) -> SendCommand:
    values.setdefault("id", uuid4())
    return SendCommand(room=chat.room_name, user_id=sender.id, sender=sender.public_id, body=body, **values)


def write(*commands: object) -> list[object]:
    return [outcome.result for outcome in batch.write(list(commands))[0]]


def test_one_batch_numbers_its_messages_without_a_hole(chat, alice, bob):
    outcomes = write(sending(chat, alice), sending(chat, bob), sending(chat, alice))
    assert [outcome.seq for outcome in outcomes] == [1, 2, 3]
    assert list(Message.objects.order_by("seq").values_list("seq", "version", "sender_id")) == [
        (1, 1, alice.id),
        (2, 2, bob.id),
        (3, 3, alice.id),
    ]
    chat.refresh_from_db()
    assert chat.head == 3


def test_counters_equal_a_real_count(chat, alice, bob):
    write(*[sending(chat, alice) for _ in range(3)], sending(chat, bob))
    bobs = Participant.objects.get(conversation=chat, user=bob)
    alices = Participant.objects.get(conversation=chat, user=alice)
    assert (bobs.received, alices.received) == (3, 1)
    assert list(Message.objects.filter(sender=alice).order_by("seq").values_list("ordinal", flat=True)) == [
        1,
        2,
        3,
    ]


def test_a_repeat_gets_the_first_answer_again(chat, alice):
    command = sending(chat, alice)
    (first,) = write(command)
    (again,) = write(command)
    assert (again.seq, again.created_at, again.duplicate) == (first.seq, first.created_at, True)
    assert Message.objects.count() == 1


def test_a_repeat_within_one_batch_is_stored_once(chat, alice):
    command = sending(chat, alice)
    first, again = write(command, command)
    assert (first.duplicate, again.duplicate, again.seq) == (False, True, first.seq)


def test_the_same_id_with_another_text_is_a_conflict(chat, alice):
    command = sending(chat, alice, "one")
    write(command)
    (outcome,) = write(sending(chat, alice, "two", id=command.id))
    assert isinstance(outcome, MessageConflict)


def test_the_same_id_from_the_other_person_is_a_conflict(chat, alice, bob):
    command = sending(chat, alice)
    (_, outcome) = write(command, sending(chat, bob, id=command.id))
    assert isinstance(outcome, MessageConflict)


def test_a_repeat_is_recognised_after_a_block(chat, alice):
    command = sending(chat, alice)
    write(command)
    Conversation.objects.update(high_blocks=True)
    assert write(command)[0].duplicate
    assert isinstance(write(sending(chat, alice))[0], CannotDeliver)


@pytest.mark.parametrize("change", [{"low_blocks": True}, {"high_blocks": True}, {"state": "closed"}])
def test_neither_sends_into_a_blocked_or_closed_conversation(chat, alice, bob, change):
    Conversation.objects.update(**change)
    outcomes = write(sending(chat, alice), sending(chat, bob))
    assert [type(outcome) for outcome in outcomes] == [CannotDeliver, CannotDeliver]
    assert not Message.objects.exists()


def test_a_closed_account_receives_nothing(chat, alice, bob):
    User.objects.filter(id=bob.id).update(is_active=False)
    outcomes = write(sending(chat, alice), sending(chat, bob))
    assert [type(outcome) for outcome in outcomes] == [CannotDeliver, ConversationNotFound]


def test_mallory_cannot_write_into_the_room_of_others(chat, alice, mallory):
    outcomes = write(sending(chat, mallory), sending(chat, alice))
    assert isinstance(outcomes[0], ConversationNotFound)
    assert isinstance(outcomes[1], Accepted)
    assert Message.objects.get().sender_id == alice.id


def test_an_unknown_room_is_answered_like_a_foreign_one(chat, mallory):
    foreign = write(sending(chat, mallory))[0]
    chat.room_name = "dm-" + "a" * 32
    unknown = write(sending(chat, mallory))[0]
    assert (type(foreign), foreign.code, str(foreign)) == (type(unknown), unknown.code, str(unknown))


def test_an_empty_conversation_does_not_exist_for_the_user_who_did_not_open_it(chat, alice, bob):
    Participant.objects.filter(user=bob).update(activity=None)
    assert isinstance(write(sending(chat, bob))[0], ConversationNotFound)
    (accepted,) = write(sending(chat, alice))
    assert accepted.revealed_to == bob.id
    assert isinstance(write(sending(chat, bob))[0], Accepted)


def test_a_reply_points_at_a_message_of_its_own_conversation(chat, alice):
    outcomes = write(sending(chat, alice), sending(chat, alice, reply_to=1), sending(chat, alice, reply_to=9))
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, MessageNotFound]


def test_a_batch_takes_the_same_statements_however_many_it_holds(chat, alice, bob):
    def statements(how_many: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            write(*[sending(chat, alice) for _ in range(how_many)])
        return len(queries)

    assert statements(1) == statements(100)


def test_ending_a_draft_costs_a_send_no_statement(chat, alice, bob):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            write(sending(chat, alice))
        return len(queries)

    plain = statements()
    Participant.objects.filter(conversation=chat).update(draft="almost")
    assert statements() == plain
    assert [row.draft for row in Participant.objects.order_by("user_id")] == ["", "almost"], "hers, not his"


def test_a_draft_and_a_message_of_one_batch_end_as_they_were_typed(chat, alice):
    """A draft that overtook the message it became would come back on all her devices."""
    typed = DraftCommand(room=chat.room_name, user_id=alice.id, body="hello")
    write(typed, sending(chat, alice), typed, sending(chat, alice))
    assert Participant.objects.get(user=alice).draft == ""
    write(typed, sending(chat, alice), DraftCommand(room=chat.room_name, user_id=alice.id, body="and"))
    assert Participant.objects.get(user=alice).draft == "and"


def test_times_never_go_back_within_a_conversation(chat, alice):
    write(sending(chat, alice))
    Conversation.objects.update(changed_at="2100-01-01T00:00:00Z")
    write(sending(chat, alice))
    times = list(Message.objects.order_by("seq").values_list("created_at", flat=True))
    assert times == sorted(times)
    assert times[1].year == 2100


def receipt(chat: Conversation, reader: User, **positions: int) -> ReceiptCommand:
    return ReceiptCommand(room=chat.room_name, user_id=reader.id, reader=reader.public_id, **positions)


def test_reading_up_to_a_message_counts_what_stands_below_it(chat, alice, bob):
    write(sending(chat, alice), sending(chat, bob), sending(chat, alice), sending(chat, alice))
    (advanced,) = write(receipt(chat, bob, read=3))
    assert (advanced.read, advanced.delivered, advanced.read_count) == (3, 3, 2)
    assert Participant.objects.get(conversation=chat, user=bob).unread == 1


def test_receipts_never_go_back_and_never_pass_the_head(chat, alice, bob):
    write(*[sending(chat, alice) for _ in range(4)])
    write(receipt(chat, bob, read=3))
    (again,) = write(receipt(chat, bob, read=1, delivered=1))
    assert (again.read, again.delivered) == (3, 3)
    (far,) = write(receipt(chat, bob, read=999))
    assert (far.read, far.read_count) == (4, 4)


def test_a_receipt_that_changes_nothing_takes_no_mark(chat, alice, bob):
    write(sending(chat, alice))
    (first,) = write(receipt(chat, bob, read=1))
    (again,) = write(receipt(chat, bob, read=1))
    assert (first.mark, again.mark) == (1, 1)


def test_the_peer_is_shown_receipts_only_while_both_share_them(chat, alice, bob):
    alice.profile.shares_receipts = False
    alice.profile.save()
    write(sending(chat, alice))
    assert isinstance(write(receipt(chat, bob, read=1))[0], Advanced)
    bobs = Participant.objects.get(conversation=chat, user=bob)
    assert (bobs.read_seq, bobs.shown_read) == (1, 0)


def test_receipts_are_kept_from_a_stranger_until_they_are_answered(chat, alice, bob):
    Conversation.objects.filter(pk=chat.pk).update(is_met=False)
    write(sending(chat, alice))
    write(receipt(chat, bob, delivered=1, read=1))
    participant = Participant.objects.get(conversation=chat, user=bob)
    assert (participant.read_seq, participant.shown_read, participant.shown_delivered) == (1, 0, 0)
    answer, more = write(sending(chat, bob), sending(chat, alice))
    assert (answer.first_meeting, more.first_meeting) == (True, False)
    write(receipt(chat, bob, delivered=3, read=3))
    participant.refresh_from_db()
    assert (participant.shown_read, participant.shown_delivered) == (3, 3)


def test_switching_receipts_on_again_reveals_nothing_of_before(chat, alice, bob):
    bob.profile.shares_receipts = False
    bob.profile.save()
    write(sending(chat, alice))
    write(receipt(chat, bob, read=1))
    bob.profile.shares_receipts = True
    bob.profile.save()
    write(receipt(chat, bob, read=1))
    assert Participant.objects.get(conversation=chat, user=bob).shown_read == 0


@pytest.mark.parametrize("position", [5, 2**40], ids=["at the head as it will be", "beyond every head"])
def test_reading_everything_in_the_batch_that_wrote_it_leaves_nothing_unread(chat, alice, bob, position):
    write(sending(chat, alice), sending(chat, alice))
    outcomes = write(
        sending(chat, alice), sending(chat, bob), sending(chat, alice), receipt(chat, bob, read=position)
    )
    assert (outcomes[-1].read, outcomes[-1].read_count) == (5, 4)
    assert Participant.objects.get(conversation=chat, user=bob).unread == 0


def test_a_position_that_counted_too_little_is_put_right_by_reading_it_again(chat, alice, bob):
    """As an earlier release left it: the position at the head, and five messages that nothing could clear."""
    write(*[sending(chat, alice) for _ in range(5)])
    Participant.objects.filter(user=bob).update(read_seq=5, delivered_seq=5, read_count=0)
    (advanced,) = write(receipt(chat, bob, read=5))
    assert (advanced.read_count, advanced.mark) == (5, 1)


@pytest.mark.parametrize("seed", range(8))
def test_unread_is_a_real_count_after_every_batch_however_it_is_mixed(chat, alice, bob, seed):
    """Sends and receipts of both users in any order, at, below and beyond the head, before and after the
    batch."""
    luck = random.Random(seed)
    senders: list[User] = []
    positions = {alice.id: 0, bob.id: 0}
    for _ in range(12):
        commands = []
        for _ in range(luck.randint(1, 9)):
            who = luck.choice([alice, bob])
            if luck.random() < 0.5:
                senders.append(who)
                commands.append(sending(chat, who))
            else:
                at = luck.choice([0, luck.randint(0, len(senders) + 3), len(senders), 2**53])
                name = luck.choice(["read", "read", "delivered"])
                if name == "read":
                    positions[who.id] = max(positions[who.id], min(at, len(senders)))
                commands.append(receipt(chat, who, **{name: at}))
        write(*commands)
        for who in (alice, bob):
            participant = Participant.objects.get(conversation=chat, user=who)
            theirs = [number for number, sender in enumerate(senders, 1) if sender != who]
            assert participant.read_seq == positions[who.id]
            assert participant.unread == sum(number > participant.read_seq for number in theirs)
