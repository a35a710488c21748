"""Opening a conversation: with whom, how often, and that a pair never has two."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Profile, User
from conversations.exceptions import ConversationWithOneself, PersonNotFound, TooManyTries
from conversations.models import Block, Conversation, Participant
from conversations.rooms import room_name
from conversations.services import conversations as service
from conversations.services.conversations import conversation_open, person_startable
from tests.conversations.races import at_once
from tests.factories import make_conversation, make_user

both_databases = pytest.mark.both_databases


def activity_of(conversation: Conversation, user: User) -> Any:
    return Participant.objects.get(conversation=conversation, user=user).activity


# --- One pair, one conversation ---


@both_databases
def test_alice_opens_a_chat_with_bob_and_only_she_sees_it(alice: User, bob: User, settings: Any) -> None:
    conversation, is_new = conversation_open(user=alice, peer=bob)
    assert is_new
    assert conversation.room_name == room_name(bob.pk, alice.pk, key=settings.ROOM_NAME_KEY)
    assert (conversation.state, conversation.origin, conversation.opened_by) == ("open", "people", alice)
    assert activity_of(conversation, alice) is not None
    assert activity_of(conversation, bob) is None


def test_alice_opens_it_again_and_finds_the_same_one(alice: User, bob: User) -> None:
    first, _ = conversation_open(user=alice, peer=bob)
    again, is_new = conversation_open(user=alice, peer=bob)
    assert (again, is_new) == (first, False)


def test_bob_opening_the_chat_that_alice_opened_secretly_cannot_tell_that_she_was_first(
    alice: User, bob: User
) -> None:
    hers, _ = conversation_open(user=alice, peer=bob)
    his, is_new = conversation_open(user=bob, peer=alice)
    assert (his, is_new) == (hers, True)
    assert activity_of(hers, bob) is not None


def test_an_invite_shows_the_chat_to_both_at_once(alice: User, bob: User) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob, origin="invite")
    assert activity_of(conversation, alice) == activity_of(conversation, bob) is not None


def test_a_chat_keeps_its_address_when_the_key_changes(alice: User, bob: User, settings: Any) -> None:
    before, _ = conversation_open(user=alice, peer=bob)
    settings.ROOM_NAME_KEY = b"a new key that an operator has set, 32+"
    after, _ = conversation_open(user=alice, peer=bob)
    assert after.room_name == before.room_name


@both_databases
def test_the_first_message_after_opening_finds_both_participants(alice: User, bob: User) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob)
    pairs = Participant.objects.filter(conversation=conversation).values_list("user_id", "peer_id")
    assert set(pairs) == {(alice.pk, bob.pk), (bob.pk, alice.pk)}


def test_a_chat_with_oneself_is_refused(alice: User) -> None:
    with pytest.raises(ConversationWithOneself):
        conversation_open(user=alice, peer=alice)


@both_databases
def test_the_database_itself_refuses_a_second_conversation_of_a_pair(
    alice: User, bob: User, chat: Conversation
) -> None:
    again = Conversation(
        low=chat.low,
        high=chat.high,
        room_name="dm-" + "a" * 32,
        opened_by=bob,
        created_at=timezone.now(),
        changed_at=timezone.now(),
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)


@both_databases
def test_the_database_itself_refuses_the_pair_in_the_other_order(alice: User, bob: User) -> None:
    low, high = sorted((alice, bob), key=lambda user: user.pk)
    now = timezone.now()
    swapped = Conversation(
        low=high, high=low, room_name="dm-" + "b" * 32, opened_by=bob, created_at=now, changed_at=now
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        swapped.save(force_insert=True)


@both_databases
@pytest.mark.django_db(transaction=True)
def test_twenty_openings_at_one_instant_make_one_conversation() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    turns = [
        lambda one=one, other=other: conversation_open(user=one, peer=other)
        for one, other in [(alice, bob), (bob, alice)] * 10
    ]
    results, errors = at_once(turns)
    assert errors == []
    assert Conversation.objects.count() == 1
    assert Participant.objects.count() == 2
    assert {conversation.pk for conversation, _ in results} == {Conversation.objects.get().pk}
    assert sum(is_new for _, is_new in results) == 2, "new once to each of the two"


# --- With whom ---


def test_alice_may_start_with_bob(alice: User, bob: User) -> None:
    assert person_startable(alice, "bob") == bob


@pytest.mark.parametrize("typed", ["Bob", "@bob", " BOB "])
def test_a_name_is_found_however_it_is_typed(alice: User, bob: User, typed: str) -> None:
    assert person_startable(alice, typed) == bob


def refusal(user: User, username: str) -> str:
    with pytest.raises(PersonNotFound) as refused:
        person_startable(user, username)
    return repr(refused.value)


def suspend(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


def by_invite_only(alice: User, bob: User) -> None:
    Profile.objects.filter(user=bob).update(start_by=Profile.StartBy.ONLY_BY_INVITE)


def bob_blocks(alice: User, bob: User) -> None:
    Block.objects.create(blocker=bob, blocked=alice, created_at=timezone.now())


def alice_blocks(alice: User, bob: User) -> None:
    Block.objects.create(blocker=alice, blocked=bob, created_at=timezone.now())


OBSTACLES = [suspend, by_invite_only, bob_blocks, alice_blocks]


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_user_who_cannot_be_written_to_looks_like_no_user(
    alice: User, bob: User, obstacle: Callable[[User, User], None]
) -> None:
    obstacle(alice, bob)
    assert refusal(alice, "bob") == refusal(alice, "nobody-of-that-name")


@pytest.mark.parametrize("name", ["alice", "", "\0", "bob\0", "БОБ", "a" * 500])
def test_names_that_lead_nowhere(alice: User, bob: User, name: str) -> None:
    assert refusal(alice, name) == refusal(alice, "nobody-of-that-name")


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_chat_that_alice_has_stays_reachable(
    alice: User, bob: User, chat: Conversation, obstacle: Callable[[User, User], None]
) -> None:
    obstacle(alice, bob)
    assert person_startable(alice, "bob") == bob
    assert conversation_open(user=alice, peer=bob) == (chat, False)


def test_a_chat_that_only_bob_opened_opens_no_way_past_his_switch(alice: User, bob: User) -> None:
    conversation_open(user=bob, peer=alice)
    by_invite_only(alice, bob)
    assert refusal(alice, "bob") == refusal(alice, "nobody-of-that-name")


@pytest.mark.parametrize("obstacle", [bob_blocks, alice_blocks])
def test_a_block_that_comes_in_between_stops_the_opening(
    alice: User, bob: User, obstacle: Callable[[User, User], None]
) -> None:
    person = person_startable(alice, "bob")
    obstacle(alice, bob)
    with pytest.raises(PersonNotFound):
        conversation_open(user=alice, peer=person)
    assert not Conversation.objects.exists()


# --- How often ---


@pytest.fixture
def limited(settings: Any) -> Any:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "new_conversations_a_day": 3}
    return settings


@both_databases
def test_mallory_can_bother_only_so_many_strangers_a_day(limited: Any, mallory: User) -> None:
    now = timezone.now()
    for _ in range(3):
        conversation_open(user=mallory, peer=make_user(), now=now)
    with pytest.raises(TooManyTries) as refused:
        conversation_open(user=mallory, peer=make_user(), now=now + timedelta(hours=1))
    assert refused.value.retry_after_ms is not None
    assert (
        timedelta(hours=22, minutes=59)
        < timedelta(milliseconds=refused.value.retry_after_ms)
        <= timedelta(hours=23, seconds=1)
    )
    assert Conversation.objects.count() == 3
    conversation_open(user=mallory, peer=make_user(), now=now + timedelta(days=1, seconds=1))


def test_old_friends_and_invites_do_not_count(limited: Any, alice: User, bob: User) -> None:
    friends = [make_user() for _ in range(4)]
    for friend in friends:
        conversation_open(user=alice, peer=friend, origin="invite")
    for friend in friends:
        assert conversation_open(user=alice, peer=friend)[1] is False
    conversation_open(user=alice, peer=bob)


def test_at_the_limit_a_chat_that_the_other_one_opened_answers_like_any_other(
    limited: Any, alice: User, bob: User
) -> None:
    conversation_open(user=bob, peer=alice)
    for _ in range(3):
        conversation_open(user=alice, peer=make_user())
    with pytest.raises(TooManyTries):
        conversation_open(user=alice, peer=bob)


def test_without_limits_nothing_is_counted(settings: Any, alice: User) -> None:
    settings.LIMITS = False
    settings.LIMIT_NUMBERS = {}
    conversation_open(user=alice, peer=make_user())


# --- Announcements ---


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    calls: list[tuple[str, tuple[int, ...]]] = []

    def note(conversation: Conversation, *user_ids: int) -> None:
        calls.append((conversation.room_name, user_ids))

    monkeypatch.setattr(service, "announce_conversation", note)
    return calls


def test_opening_is_announced_to_the_opener_alone_and_once(
    alice: User, bob: User, announced: list[Any]
) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob)
    conversation_open(user=alice, peer=bob)
    assert announced == [(conversation.room_name, (alice.pk,))]


def test_accepting_is_announced_to_both(alice: User, bob: User, announced: list[Any]) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob, origin="invite")
    assert announced == [(conversation.room_name, tuple(sorted((alice.pk, bob.pk))))]


def test_a_conversation_that_newly_shows_has_changed(alice: User, bob: User) -> None:
    now = timezone.now()
    hidden = make_conversation(alice, bob, now=now - timedelta(days=3), visible=False)
    conversation_open(user=alice, peer=bob, now=now)
    hidden.refresh_from_db()
    assert hidden.changed_at == now
    assert Participant.objects.get(conversation=hidden, user=alice).mark == 1
