"""Invites: every row of the table in docs/protocol.md 8 that services decide, and the races."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InvalidText, InviteGone, InviteIsYours, InviteNotFound, TooManyInvites
from conversations.models import Block, Conversation, Invite, Participant, PendingInvite
from conversations.selectors.invites import invite_of, invites_of, token_of
from conversations.services.conversations import conversation_open
from conversations.services.invites import (
    LIVES,
    Claim,
    invite_change,
    invite_claim,
    invite_create,
    invite_revoke,
    invite_undo,
    pending_invite_resolve,
    pending_invite_set,
)
from conversations.templatetags.qr_code import qr_code
from tests.conversations.races import at_once
from tests.factories import make_conversation, make_user

both_databases = pytest.mark.both_databases
ORIGIN = "http://localhost:8000"


@pytest.fixture
def invite(alice: User) -> Invite:
    """Alice's open invite."""
    return invite_create(inviter=alice, note="Bob, from the choir")


def token(invite: Invite) -> str:
    return token_of(invite.pk)


def is_used(invite: Invite) -> bool:
    return Invite.objects.get(pk=invite.pk).claimed_at is not None


def block(blocker: User, blocked: User) -> None:
    Block.objects.create(blocker=blocker, blocked=blocked, created_at=timezone.now())


def refused(user: User, invite: Invite, **options: Any) -> InviteGone:
    with pytest.raises(InviteGone) as gone:
        invite_claim(user=user, token=token(invite), **options)
    return gone.value


# --- The token ---


def test_a_token_has_160_random_bits_and_suits_an_address(invite: Invite) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", token(invite))


def test_only_the_digest_of_the_token_is_stored(invite: Invite) -> None:
    stored = Invite.objects.get(pk=invite.pk)
    assert bytes(stored.token_digest) == hashlib.sha256(token(invite).encode()).digest()
    row = Invite.objects.filter(pk=invite.pk).values().get()
    assert all(token(invite) not in str(value) for value in row.values())


def test_the_inviter_can_be_shown_the_link_again(alice: User, invite: Invite) -> None:
    view = invite_of(inviter=alice, invite_id=invite.pk, origin=ORIGIN, now=timezone.now())
    assert view is not None
    assert view.url == f"{ORIGIN}/i/{token(invite)}/"


def test_the_public_address_wins_over_the_one_in_use(alice: User, invite: Invite, settings: Any) -> None:
    settings.PUBLIC_ORIGIN = "https://chat.example.org"
    view = invite_of(inviter=alice, invite_id=invite.pk, origin="http://evil.example", now=timezone.now())
    assert view is not None
    assert view.url == f"https://chat.example.org/i/{token(invite)}/"


def test_after_a_change_of_the_key_no_wrong_link_is_shown_and_the_old_one_works(
    alice: User, bob: User, invite: Invite, settings: Any
) -> None:
    sent = token(invite)
    settings.INVITE_KEY = b"another key of the same length, 32 b"
    view = invite_of(inviter=alice, invite_id=invite.pk, origin=ORIGIN, now=timezone.now())
    assert view is not None
    assert (view.url, view.open_url) == (None, None)
    assert invite_claim(user=bob, token=sent).outcome == "created"


def test_the_qr_code_is_plain_markup_that_a_strict_policy_lets_through(alice: User, invite: Invite) -> None:
    view = invite_of(inviter=alice, invite_id=invite.pk, origin=ORIGIN, now=timezone.now())
    assert view is not None
    svg = qr_code(view.open_url)
    assert svg.startswith("<svg ")
    assert 'stroke="#12242c"' in svg
    assert not re.search(r"style|script|<text|\son", svg)
    assert token(invite) not in svg
    assert qr_code(None) == ""


# --- Creating ---


def test_an_invite_lives_seven_days_unless_said_otherwise(alice: User) -> None:
    now = timezone.now()
    assert invite_create(inviter=alice, now=now).expires_at == now + timedelta(days=7)


@pytest.mark.parametrize(("lives", "life"), LIVES.items())
def test_an_invite_lives_as_long_as_chosen_and_never_for_ever(
    alice: User, lives: str, life: timedelta
) -> None:
    now = timezone.now()
    assert (
        invite_create(inviter=alice, lives=lives, now=now).expires_at
        == now + life
        <= now + timedelta(days=30)
    )


def test_a_life_that_is_not_offered_is_none(alice: User) -> None:
    with pytest.raises(KeyError):
        invite_create(inviter=alice, lives="100y")


def test_a_note_is_one_tidy_line(alice: User) -> None:
    assert invite_create(inviter=alice, note="  Caio,\n from  the choir ").note == "Caio, from the choir"


@pytest.mark.parametrize("note", ["a" * 81, "\0", "\ud800", "a" * 10_000])
def test_a_note_that_cannot_be_kept_is_refused(alice: User, note: str) -> None:
    with pytest.raises(InvalidText):
        invite_create(inviter=alice, note=note)


def test_the_longest_note_fits(alice: User) -> None:
    assert invite_create(inviter=alice, note="é" * 80).note == "é" * 80


@both_databases
def test_the_twenty_first_open_invite_is_refused_and_one_less_makes_room(alice: User, bob: User) -> None:
    twenty = [invite_create(inviter=alice) for _ in range(20)]
    with pytest.raises(TooManyInvites):
        invite_create(inviter=alice)
    invite_revoke(inviter=alice, invite_id=twenty[0].pk)
    invite_create(inviter=alice)
    invite_claim(user=bob, token=token(twenty[1]))
    invite_create(inviter=alice)
    with pytest.raises(TooManyInvites):
        invite_create(inviter=alice)
    invite_create(inviter=bob)


@both_databases
@pytest.mark.django_db(transaction=True)
def test_racing_creations_do_not_pass_the_limit() -> None:
    alice = make_user("alice")
    for _ in range(15):
        invite_create(inviter=alice)
    made, errors = at_once([lambda: invite_create(inviter=alice)] * 12)
    assert (len(made), Invite.objects.count()) == (5, 20)
    assert {type(error) for error in errors} == {TooManyInvites}


# --- Sent twice ---


@both_databases
@pytest.mark.django_db(transaction=True)
def test_racing_repeats_under_one_key_are_one_link() -> None:
    alice, key = make_user("alice"), uuid4()
    made, errors = at_once([lambda: invite_create(inviter=alice, note="Caio", key=key)] * 6)
    assert not errors
    assert {invite.pk for invite in made} == {Invite.objects.get().pk}


def test_a_repeat_of_the_last_link_there_was_room_for_is_not_refused(alice: User) -> None:
    for _ in range(19):
        invite_create(inviter=alice)
    key = uuid4()
    last = invite_create(inviter=alice, key=key)
    assert invite_create(inviter=alice, key=key) == last
    with pytest.raises(TooManyInvites):
        invite_create(inviter=alice, key=uuid4())


def test_other_values_under_an_old_key_are_another_link(alice: User) -> None:
    """The back button brings an old form back; the values filled in again must not be lost."""
    key = uuid4()
    for values in ({"note": "Caio"}, {"note": "Dora"}, {"note": "Dora", "lives": "1h"}):
        made = invite_create(inviter=alice, key=key, **values)
        assert made.note == values["note"]
    assert Invite.objects.count() == 3


def test_a_repeat_changes_nothing_of_what_became_of_the_link(alice: User) -> None:
    key = uuid4()
    invite = invite_create(inviter=alice, note="Caio", key=key)
    invite_change(inviter=alice, invite_id=invite.pk, note="Dora")
    assert invite_create(inviter=alice, note="Caio", key=key).note == "Dora"
    invite_revoke(inviter=alice, invite_id=invite.pk)
    assert invite_create(inviter=alice, note="Caio", key=key).revoked_at is not None


def test_mallory_gets_a_link_of_her_own_under_alice_s_key(alice: User, mallory: User) -> None:
    key = uuid4()
    assert invite_create(inviter=alice, key=key).pk != invite_create(inviter=mallory, key=key).pk


# --- Changing and revoking ---


@both_databases
def test_note_and_life_can_be_changed_while_it_is_open(alice: User, invite: Invite) -> None:
    now = timezone.now() + timedelta(days=2)
    changed = invite_change(inviter=alice, invite_id=invite.pk, note="Caio", lives="1h", now=now)
    assert (changed.note, changed.expires_at) == ("Caio", now + timedelta(hours=1))
    assert invite_change(inviter=alice, invite_id=invite.pk, now=now).note == "Caio"


def test_the_link_stays_the_same_when_its_life_changes(alice: User, bob: User, invite: Invite) -> None:
    sent = token(invite)
    invite_change(inviter=alice, invite_id=invite.pk, lives="30d")
    assert invite_claim(user=bob, token=sent, now=timezone.now() + timedelta(days=29)).outcome == "created"


@pytest.mark.parametrize("act", [invite_change, invite_revoke, invite_undo])
def test_mallory_cannot_touch_an_invite_of_alice_nor_tell_that_it_exists(
    mallory: User, invite: Invite, act: Callable[..., Any]
) -> None:
    with pytest.raises(InviteNotFound) as hers:
        act(inviter=mallory, invite_id=invite.pk)
    with pytest.raises(InviteNotFound) as nobodys:
        act(inviter=mallory, invite_id=uuid4())
    assert repr(hers.value) == repr(nobodys.value)


def use_up(alice: User, bob: User, invite: Invite) -> None:
    invite_claim(user=bob, token=token(invite))


def revoke(alice: User, bob: User, invite: Invite) -> None:
    invite_revoke(inviter=alice, invite_id=invite.pk)


def run_out(alice: User, bob: User, invite: Invite) -> None:
    now = timezone.now()
    Invite.objects.filter(pk=invite.pk).update(
        created_at=now - timedelta(days=8), expires_at=now - timedelta(days=1)
    )


@pytest.mark.parametrize("end", [use_up, revoke, run_out])
def test_what_is_over_cannot_be_changed(
    alice: User, bob: User, invite: Invite, end: Callable[..., None]
) -> None:
    end(alice, bob, invite)
    with pytest.raises(InviteGone):
        invite_change(inviter=alice, invite_id=invite.pk, lives="30d")


def test_revoking_twice_is_revoking_once(alice: User, invite: Invite) -> None:
    first = invite_revoke(inviter=alice, invite_id=invite.pk).revoked_at
    assert invite_revoke(inviter=alice, invite_id=invite.pk).revoked_at == first


def test_an_accepted_invite_cannot_be_revoked(alice: User, bob: User, invite: Invite) -> None:
    use_up(alice, bob, invite)
    with pytest.raises(InviteGone) as gone:
        invite_revoke(inviter=alice, invite_id=invite.pk)
    assert gone.value.used


@both_databases
def test_the_database_itself_refuses_accepted_and_revoked_at_once(
    alice: User, bob: User, invite: Invite
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Invite.objects.filter(pk=invite.pk).update(
            claimed_at=timezone.now(), claimed_by=bob, revoked_at=timezone.now()
        )


# --- The table: who accepts what ---


@both_databases
def test_another_user_accepts_an_open_invite(alice: User, bob: User, invite: Invite) -> None:
    claim = invite_claim(user=bob, token=token(invite))
    assert claim.outcome == "created"
    stored = Invite.objects.get(pk=invite.pk)
    assert (stored.claimed_by, stored.conversation) == (bob, claim.conversation)
    assert (claim.conversation.origin, claim.conversation.opened_by, claim.conversation.state) == (
        "invite",
        alice,
        "open",
    )
    assert Participant.objects.filter(conversation=claim.conversation, activity__isnull=False).count() == 2, (
        "both see it"
    )


def test_its_inviter_opens_it_and_it_is_not_used_up(alice: User, bob: User, invite: Invite) -> None:
    with pytest.raises(InviteIsYours):
        invite_claim(user=alice, token=token(invite))
    assert not is_used(invite)
    use_up(alice, bob, invite)
    with pytest.raises(InviteIsYours):
        invite_claim(user=alice, token=token(invite))


@both_databases
def test_who_accepted_it_gets_the_same_chat_again(bob: User, invite: Invite) -> None:
    first = invite_claim(user=bob, token=token(invite))
    again = invite_claim(user=bob, token=token(invite), now=timezone.now() + timedelta(days=100))
    assert (again.conversation, again.outcome) == (first.conversation, "already_yours")


def test_a_third_person_finds_it_used(alice: User, bob: User, mallory: User, invite: Invite) -> None:
    use_up(alice, bob, invite)
    assert refused(mallory, invite).used
    assert Conversation.objects.count() == 1


@both_databases
def test_a_pair_that_chats_already_opens_the_chat_and_uses_nothing_up(
    bob: User, chat: Conversation, invite: Invite
) -> None:
    claim = invite_claim(user=bob, token=token(invite))
    assert (claim.conversation, claim.outcome) == (chat, "pair_exists")
    assert not is_used(invite)


@pytest.mark.parametrize("opener", ["alice", "bob"])
def test_an_empty_chat_that_only_one_of_them_sees_is_no_chat_yet(
    alice: User, bob: User, invite: Invite, opener: str
) -> None:
    one, other = (alice, bob) if opener == "alice" else (bob, alice)
    hidden, _ = conversation_open(user=one, peer=other)
    claim = invite_claim(user=bob, token=token(invite))
    assert (claim.conversation, claim.outcome) == (hidden, "created")
    assert Participant.objects.filter(conversation=hidden, activity__isnull=False).count() == 2
    assert is_used(invite)


@pytest.mark.parametrize("state", ["request", "closed"])
def test_accepting_an_invite_opens_a_chat_that_was_requested_or_closed(
    alice: User, bob: User, invite: Invite, state: str
) -> None:
    old = make_conversation(alice, bob)
    Conversation.objects.filter(pk=old.pk).update(state=state, requested_by=bob)
    claim = invite_claim(user=bob, token=token(invite))
    old.refresh_from_db()
    assert (claim.outcome, claim.conversation.state, old.state, old.requested_by) == (
        "created",
        "open",
        "open",
        None,
    )
    assert set(Participant.objects.filter(conversation=old).values_list("mark", flat=True)) == {1}, (
        "devices that were offline notice"
    )


def test_expired_is_gone(alice: User, bob: User, invite: Invite) -> None:
    assert not refused(bob, invite, now=invite.expires_at).used
    assert not Conversation.objects.exists()


def test_it_works_until_its_last_moment(bob: User, invite: Invite) -> None:
    assert (
        invite_claim(user=bob, token=token(invite), now=invite.expires_at - timedelta(milliseconds=1)).outcome
        == "created"
    )


def test_revoked_is_gone(alice: User, bob: User, invite: Invite) -> None:
    revoke(alice, bob, invite)
    assert not refused(bob, invite).used


def test_inviter_gone_is_gone(alice: User, bob: User, invite: Invite) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not refused(bob, invite).used


@both_databases
@pytest.mark.parametrize("direction", ["alice blocks bob", "bob blocks alice"])
def test_a_block_either_way_is_gone_and_leaves_the_link_for_another_user(
    alice: User, bob: User, carol: User, invite: Invite, direction: str
) -> None:
    block(*((alice, bob) if direction.startswith("alice") else (bob, alice)))
    assert not refused(bob, invite).used
    assert not Conversation.objects.exists()
    assert invite_claim(user=carol, token=token(invite)).outcome == "created"


def test_a_block_between_a_pair_that_chats_is_gone_too(
    alice: User, bob: User, chat: Conversation, invite: Invite
) -> None:
    block(alice, bob)
    assert not refused(bob, invite).used


def test_every_dead_end_is_refused_in_the_same_words(alice: User, bob: User, invite: Invite) -> None:
    said = set()
    for spoil in (revoke, run_out):
        other = invite_create(inviter=alice)
        spoil(alice, bob, other)
        said.add(repr(refused(bob, other)))
    block(bob, alice)
    said.add(repr(refused(bob, invite)))
    Block.objects.all().delete()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    said.add(repr(refused(bob, invite)))
    assert len(said) == 1


@pytest.mark.parametrize("guess", ["", "x", "\0", "\ud800", "a" * 27, "a" * 5000, "../../etc/passwd"])
def test_an_unknown_token_is_not_found(bob: User, invite: Invite, guess: str) -> None:
    with pytest.raises(InviteNotFound):
        invite_claim(user=bob, token=guess)


def test_every_unknown_token_costs_one_statement(
    bob: User, invite: Invite, django_assert_num_queries: Any
) -> None:
    for guess in ("x", token(invite)[:-1], token(invite) + "A", token(invite).swapcase()):
        with django_assert_num_queries(1), pytest.raises(InviteNotFound):
            invite_claim(user=bob, token=guess)


# --- Races ---


@both_databases
@pytest.mark.django_db(transaction=True)
def test_fifty_people_at_one_instant_and_exactly_one_gets_in() -> None:
    alice = make_user("alice")
    invite = invite_create(inviter=alice)
    crowd = [make_user() for _ in range(50)]
    results, errors = at_once(
        [lambda person=person: (person, invite_claim(user=person, token=token(invite))) for person in crowd]
    )
    assert len(results) == 1
    winner, claim = results[0]
    assert claim.outcome == "created"
    assert {(type(error), getattr(error, "used", None)) for error in errors} == {(InviteGone, True)}
    assert len(errors) == 49
    assert Conversation.objects.count() == 1, "nothing is left of those who lost"
    assert Participant.objects.count() == 2
    assert Invite.objects.get().claimed_by == winner


def test_the_deciding_update_judges_the_row_itself(bob: User, invite: Invite) -> None:
    """PostgreSQL judges a condition again after a wait only if it is on the row; inside a subquery both
    claims would win."""
    with CaptureQueriesContext(connection) as asked:
        invite_claim(user=bob, token=token(invite))
    deciding = [query["sql"] for query in asked if query["sql"].startswith('UPDATE "invite"')]
    assert len(deciding) == 1
    assert " IN (SELECT" not in deciding[0]


@both_databases
@pytest.mark.django_db(transaction=True)
def test_one_person_on_many_devices_at_one_instant_gets_one_chat() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    invite = invite_create(inviter=alice)
    results, errors = at_once([lambda: invite_claim(user=bob, token=token(invite))] * 10)
    assert errors == []
    assert len({claim.conversation.pk for claim in results}) == 1
    assert [claim.outcome for claim in results].count("created") == 1


@both_databases
@pytest.mark.django_db(transaction=True)
def test_a_pair_with_links_both_ways_who_accept_at_one_instant_get_one_chat() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    hers, his = invite_create(inviter=alice), invite_create(inviter=bob)
    turns = [
        lambda: invite_claim(user=bob, token=token(hers)),
        lambda: invite_claim(user=alice, token=token(his)),
        lambda: conversation_open(user=alice, peer=bob),
        lambda: conversation_open(user=bob, peer=alice),
    ]
    results, errors = at_once(turns * 3)
    assert errors == []
    assert Conversation.objects.count() == 1
    claims = [result for result in results if isinstance(result, Claim)]
    assert len(claims) == 6


@both_databases
@pytest.mark.django_db(transaction=True)
def test_accepting_and_revoking_at_one_instant_end_in_one_of_the_two() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    for _ in range(5):
        invite = invite_create(inviter=alice)
        bob = make_user()
        at_once(
            [
                lambda invite=invite, bob=bob: invite_claim(user=bob, token=token(invite)),
                lambda invite=invite: invite_revoke(inviter=alice, invite_id=invite.pk),
            ]
        )
        stored = Invite.objects.get(pk=invite.pk)
        assert (stored.claimed_at is None) != (stored.revoked_at is None)
        assert Conversation.objects.of_pair(alice.pk, bob.pk).exists() == (stored.claimed_at is not None)


# --- Announcements ---


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    calls: list[tuple[int, ...]] = []

    def note(conversation: Conversation, *user_ids: int) -> None:
        calls.append(user_ids)

    for module in ("invites.accepting", "invites.undoing", "conversations"):
        monkeypatch.setattr(f"conversations.services.{module}.announce_conversation", note)
    return calls


def test_both_are_notified_when_it_is_accepted(
    alice: User, bob: User, invite: Invite, announced: list[Any]
) -> None:
    invite_claim(user=bob, token=token(invite))
    assert announced == [tuple(sorted((alice.pk, bob.pk)))]


def test_a_failed_claim_announces_nothing(
    alice: User, bob: User, invite: Invite, announced: list[Any]
) -> None:
    block(alice, bob)
    refused(bob, invite)
    assert announced == []


# --- The pending invite of a user who is still signing in ---


def pending_of(user: User, invite: Invite, made_at: datetime | None = None) -> datetime:
    made_at = made_at or timezone.now()
    pending_invite_set(user=user, invite_id=invite.pk, made_at=made_at)
    return made_at


@both_databases
def test_a_pending_invite_is_accepted_and_deleted(bob: User, invite: Invite) -> None:
    pending_of(bob, invite)
    conversation = pending_invite_resolve(user=bob)
    assert conversation is not None
    assert Invite.objects.get(pk=invite.pk).conversation == conversation
    assert not PendingInvite.objects.exists()
    assert pending_invite_resolve(user=bob) is None


def test_without_a_pending_invite_nothing_happens(bob: User) -> None:
    assert pending_invite_resolve(user=bob) is None


def test_a_pending_invite_outlives_the_expiry(bob: User, invite: Invite) -> None:
    made_at = pending_of(bob, invite, invite.expires_at - timedelta(minutes=1))
    assert pending_invite_resolve(user=bob, now=made_at + timedelta(hours=23, minutes=59)) is not None


@pytest.mark.parametrize("later", [timedelta(hours=24), timedelta(days=30)])
def test_a_pending_invite_holds_for_a_day(bob: User, invite: Invite, later: timedelta) -> None:
    made_at = pending_of(bob, invite)
    with pytest.raises(InviteGone):
        pending_invite_resolve(user=bob, now=made_at + later)
    assert not PendingInvite.objects.exists()
    assert not is_used(invite)


def test_an_expired_invite_cannot_become_pending(bob: User, invite: Invite) -> None:
    made_at = pending_of(bob, invite, invite.expires_at)
    with pytest.raises(InviteGone):
        pending_invite_resolve(user=bob, now=made_at)


def test_a_pending_invite_does_not_outlive_revocation_even_when_expired(
    alice: User, bob: User, invite: Invite
) -> None:
    made_at = pending_of(bob, invite, invite.expires_at - timedelta(minutes=1))
    invite_revoke(inviter=alice, invite_id=invite.pk, now=invite.expires_at + timedelta(hours=1))
    with pytest.raises(InviteGone):
        pending_invite_resolve(user=bob, now=made_at + timedelta(hours=2))


@pytest.mark.parametrize("direction", ["alice blocks bob", "bob blocks alice"])
def test_a_pending_invite_does_not_outlive_a_block(
    alice: User, bob: User, invite: Invite, direction: str
) -> None:
    pending_of(bob, invite)
    block(*((alice, bob) if direction.startswith("alice") else (bob, alice)))
    with pytest.raises(InviteGone):
        pending_invite_resolve(user=bob)
    assert not Conversation.objects.exists()


def test_a_pending_invite_that_a_third_person_has_accepted_is_too_late(
    bob: User, carol: User, invite: Invite
) -> None:
    pending_of(bob, invite)
    invite_claim(user=carol, token=token(invite))
    with pytest.raises(InviteGone) as gone:
        pending_invite_resolve(user=bob)
    assert gone.value.used


def test_a_pending_invite_accepted_on_another_device_still_leads_to_the_chat(
    bob: User, invite: Invite
) -> None:
    claim = invite_claim(user=bob, token=token(invite))
    pending_of(bob, invite)
    assert pending_invite_resolve(user=bob) == claim.conversation


def test_the_newest_pending_invite_counts(alice: User, bob: User, carol: User, invite: Invite) -> None:
    newer = invite_create(inviter=carol)
    pending_of(bob, invite)
    pending_of(bob, newer)
    pending_invite_resolve(user=bob)
    assert (is_used(invite), is_used(newer)) == (False, True)


def test_an_own_or_missing_invite_cannot_become_pending(alice: User, bob: User, invite: Invite) -> None:
    pending_of(alice, invite)
    pending_invite_set(user=bob, invite_id=uuid4(), made_at=timezone.now())
    assert not PendingInvite.objects.exists()


# --- Not who I meant ---


@both_databases
def test_not_who_i_meant_closes_blocks_and_makes_a_new_link_in_one_step(
    alice: User, mallory: User, bob: User, invite: Invite
) -> None:
    conversation = invite_claim(user=mallory, token=token(invite)).conversation
    new = invite_undo(inviter=alice, invite_id=invite.pk)
    conversation.refresh_from_db()
    assert conversation.state == "closed"
    assert (conversation.low_blocks, conversation.high_blocks) == (
        alice.pk == conversation.low_id,
        alice.pk == conversation.high_id,
    )
    assert Block.objects.filter(blocker=alice, blocked=mallory).exists()
    assert set(Participant.objects.filter(conversation=conversation).values_list("mark", flat=True)) == {2}
    assert new is not None
    assert (new.note, new.expires_at - new.created_at) == (invite.note, timedelta(days=7))
    assert not refused(mallory, new).used, "the new link is not for her"
    assert invite_claim(user=bob, token=token(new)).outcome == "created"


def test_saying_it_twice_makes_one_new_link(alice: User, mallory: User, invite: Invite) -> None:
    invite_claim(user=mallory, token=token(invite))
    assert invite_undo(inviter=alice, invite_id=invite.pk) is not None
    assert invite_undo(inviter=alice, invite_id=invite.pk) is None
    assert Invite.objects.count() == 2


def test_with_twenty_links_waiting_the_person_is_blocked_all_the_same(
    alice: User, mallory: User, invite: Invite
) -> None:
    invite_claim(user=mallory, token=token(invite))
    for _ in range(20):
        invite_create(inviter=alice)
    assert invite_undo(inviter=alice, invite_id=invite.pk) is None
    assert Block.objects.filter(blocker=alice, blocked=mallory).exists()
    assert Conversation.objects.get().state == "closed"


def test_there_is_nothing_to_undo_before_it_is_accepted(alice: User, invite: Invite) -> None:
    with pytest.raises(InviteGone):
        invite_undo(inviter=alice, invite_id=invite.pk)


def test_both_are_notified_that_it_is_closed(
    alice: User, mallory: User, invite: Invite, announced: list[Any]
) -> None:
    invite_claim(user=mallory, token=token(invite))
    announced.clear()
    invite_undo(inviter=alice, invite_id=invite.pk)
    assert announced == [tuple(sorted((alice.pk, mallory.pk)))]


# --- The inviter's list ---


def test_the_list_has_those_that_wait_and_then_those_that_are_over(
    alice: User, bob: User, mallory: User
) -> None:
    now = timezone.now()
    invite_create(inviter=mallory)
    made = [
        invite_create(inviter=alice, now=now - timedelta(minutes=minutes)) for minutes in (50, 40, 30, 20, 10)
    ]
    old = invite_create(inviter=alice, lives="1h", now=now - timedelta(days=2))
    invite_claim(user=bob, token=token(made[1]))
    invite_revoke(inviter=alice, invite_id=made[3].pk)
    found = invites_of(inviter=alice, origin=ORIGIN, now=now)
    assert [view.id for view in found] == [made[4].pk, made[2].pk, made[0].pk, made[3].pk, made[1].pk, old.pk]
    assert [view.state for view in found] == ["open", "open", "open", "revoked", "used", "expired"]
    used = found[4]
    assert (used.claimed_by, used.can_undo, used.claimed_at is not None) == (bob, True, True)


def test_the_list_takes_two_statements_however_long(
    alice: User, bob: User, django_assert_num_queries: Any
) -> None:
    for _ in range(12):
        invite_create(inviter=alice)
    with django_assert_num_queries(2):
        invites_of(inviter=alice, origin=ORIGIN, now=timezone.now())


def test_another_users_invite_does_not_exist_for_mallory(mallory: User, invite: Invite) -> None:
    assert invite_of(inviter=mallory, invite_id=invite.pk, origin=ORIGIN, now=timezone.now()) is None
