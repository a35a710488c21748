"""Throttling with a borrowed clock: bursts, rates, evictions, and counting without a cache."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.client_address import client_address, site_of
from conversations import throttling
from conversations.exceptions import TooManyTries
from conversations.throttling import (
    Buckets,
    acquire_socket,
    allow_draft,
    allow_frame,
    allow_message,
    allow_reaction,
    allow_typing,
    allow_visit,
    announced_limits,
    release_socket,
    take_invite_attempt,
    take_person_attempt,
    weight_of_sync,
    windows,
)
from conversations.throttling.windows import SharedWindow
from tests.conversations.races import at_once

ALICE, BOB = 1, 2
BUCKETS = (
    throttling.frames,
    throttling.sends,
    throttling.reactions,
    throttling.drafts,
    throttling.typing,
    throttling.visits,
)
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def _limits_on(settings: Any) -> Iterator[None]:
    settings.LIMITS = True
    for buckets in BUCKETS:
        buckets.clear()
    yield
    for buckets in BUCKETS:
        buckets.clear()


def wait_after(action: Callable[[], object]) -> int:
    """Milliseconds that the refusal says to wait."""
    with pytest.raises(TooManyTries) as refused:
        action()
    assert refused.value.retry_after_ms is not None
    return refused.value.retry_after_ms


# --- Token buckets ---


def test_alice_sends_sixty_at_once_and_then_ten_a_second() -> None:
    for _ in range(60):
        allow_message(ALICE, now=100.0)
    assert wait_after(lambda: allow_message(ALICE, now=100.0)) == 101
    for _ in range(10):
        allow_message(ALICE, now=101.0)
    wait_after(lambda: allow_message(ALICE, now=101.0))


def test_waiting_as_long_as_the_refusal_says_is_enough() -> None:
    for _ in range(60):
        allow_message(ALICE, now=100.0)
    wait = wait_after(lambda: allow_message(ALICE, now=100.0))
    allow_message(ALICE, now=100.0 + wait / 1000)


def test_what_alice_sends_does_not_slow_bob() -> None:
    for _ in range(60):
        allow_message(ALICE, now=100.0)
    allow_message(BOB, now=100.0)


def test_a_flood_of_reactions_is_refused_and_messages_still_pass() -> None:
    """Setting and taking back one reaction in a loop would push without end (T35)."""
    for _ in range(30):
        allow_reaction(ALICE, now=100.0)
    assert wait_after(lambda: allow_reaction(ALICE, now=100.0)) == 334
    allow_message(ALICE, now=100.0)
    allow_reaction(BOB, now=100.0)


def test_drafts_are_counted_apart_from_messages() -> None:
    for _ in range(20):
        allow_draft(ALICE, now=100.0)
    assert wait_after(lambda: allow_draft(ALICE, now=100.0)) == 501
    allow_message(ALICE, now=100.0)
    allow_draft(BOB, now=100.0)


def test_after_a_long_silence_there_are_no_more_than_sixty() -> None:
    allow_message(ALICE, now=100.0)
    for _ in range(60):
        allow_message(ALICE, now=1_000_000.0)
    wait_after(lambda: allow_message(ALICE, now=1_000_000.0))


def test_a_clock_that_steps_back_gives_nothing_away_and_takes_nothing() -> None:
    for _ in range(60):
        allow_message(ALICE, now=100.0)
    wait_after(lambda: allow_message(ALICE, now=50.0))
    allow_message(ALICE, now=51.0)


def test_frames_have_a_wider_limit_of_their_own() -> None:
    for _ in range(240):
        allow_frame(ALICE, now=100.0)
    wait_after(lambda: allow_frame(ALICE, now=100.0))
    allow_message(ALICE, now=100.0)


def test_a_query_that_costs_more_takes_more() -> None:
    for _ in range(60):
        allow_frame(ALICE, count=4, now=100.0)
    assert wait_after(lambda: allow_frame(ALICE, count=4, now=100.0)) == 101
    assert (weight_of_sync(1), weight_of_sync(100)) == (1, 21)


def test_what_costs_more_than_a_whole_bucket_passes_when_the_bucket_is_full() -> None:
    buckets = Buckets()
    buckets.take("alice", burst=10, per_second=1, count=99, now=100.0)
    assert wait_after(lambda: buckets.take("alice", burst=10, per_second=1, count=99, now=100.0)) == 10_001


def test_one_address_has_a_limit_whatever_the_accounts() -> None:
    for person in range(1200):
        allow_frame(person, address=HERE, now=100.0)
    wait_after(lambda: allow_frame(5000, address=HERE, now=100.0))
    wait_after(lambda: allow_visit(HERE, now=100.0))
    allow_frame(5000, address=THERE, now=100.0)


def test_a_start_of_typing_passes_every_two_seconds_in_each_room() -> None:
    allow_typing(ALICE, "dm-a", now=100.0)
    assert wait_after(lambda: allow_typing(ALICE, "dm-a", now=101.0)) == 1001
    allow_typing(ALICE, "dm-b", now=101.0)
    allow_typing(ALICE, "dm-a", now=102.0)


def test_the_buckets_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Buckets, "KEPT", 3)
    buckets = Buckets()
    for subject in range(10):
        buckets.take(subject, burst=1, per_second=1, now=100.0)
    assert list(buckets.buckets) == [7, 8, 9]


def test_threads_share_one_bucket_fairly() -> None:
    buckets = Buckets()
    passed, refused = at_once([lambda: buckets.take("alice", burst=25, per_second=0.001, now=100.0)] * 40)
    assert (len(passed), len(refused)) == (25, 15)


# --- Sockets ---


def handshake(address: str = HERE, forwarded: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"client": (address, 50_000), "headers": headers}


@pytest.fixture
def evicted() -> Iterator[list[tuple[int, int]]]:
    """Which sockets were evicted: user and number, in their order."""
    yield []
    throttling.socket_slots.by_user.clear()
    throttling.socket_slots.by_address.clear()


def opened(evicted: list[tuple[int, int]], person: int, *numbers: int, address: str = HERE) -> list[Any]:
    return [
        acquire_socket(person, handshake(address), lambda number=number: evicted.append((person, number)))
        for number in numbers
    ]  # type: ignore[misc]


def test_alices_twenty_first_socket_evicts_her_oldest(evicted: list[tuple[int, int]]) -> None:
    slots = opened(evicted, ALICE, *range(20))
    bobs = opened(evicted, BOB, 0)
    assert evicted == []
    slots += opened(evicted, ALICE, 20, address=THERE)
    slots += opened(evicted, ALICE, 21)
    assert evicted == [(ALICE, 0), (ALICE, 1)]
    for slot in [*slots, *bobs, slots[0]]:
        release_socket(slot)
    assert not throttling.socket_slots.by_user, (
        "what was evicted is not counted, and a second release does no harm"
    )
    assert not throttling.socket_slots.by_address


def test_a_released_slot_is_free_again(evicted: list[tuple[int, int]]) -> None:
    slots = opened(evicted, ALICE, *range(20))
    release_socket(slots[7])
    opened(evicted, ALICE, 20)
    assert evicted == []


def test_at_a_full_address_the_user_with_the_most_sockets_loses_one(evicted: list[tuple[int, int]]) -> None:
    """Mallory's five accounts behind the proxy of an office keep no colleague out."""
    for account in range(100, 105):
        opened(evicted, account, *range(20))
    opened(evicted, ALICE, 0)
    opened(evicted, BOB, 0, 1)
    assert len(evicted) == 3
    assert ALICE not in {person for person, _ in evicted}
    assert len(throttling.socket_slots.by_address[HERE]) == 100


def test_the_user_with_the_most_sockets_at_a_full_address_evicts_no_other(
    evicted: list[tuple[int, int]],
) -> None:
    for person in range(100, 181):
        opened(evicted, person, 0)
    opened(evicted, ALICE, *range(19))
    assert evicted == []
    opened(evicted, ALICE, 19)
    assert evicted == [(ALICE, 0)]


def test_where_every_user_has_one_socket_the_newest_is_asked_to_come_back(
    evicted: list[tuple[int, int]],
) -> None:
    for person in range(100, 200):
        opened(evicted, person, 0)
    assert wait_after(lambda: opened(evicted, ALICE, 0)) > 0
    assert evicted == []
    opened(evicted, ALICE, 0, address=THERE)
    opened(evicted, 150, 1)
    assert evicted == [(150, 0)]


def test_a_rejected_socket_evicts_no_other(evicted: list[tuple[int, int]], settings: Any) -> None:
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sockets_a_person": 2}
    opened(evicted, ALICE, 0, 1, address=THERE)
    for person in range(100, 200):
        opened(evicted, person, 0)
    wait_after(lambda: opened(evicted, ALICE, 2))
    assert evicted == []
    assert len(throttling.socket_slots.by_user[ALICE]) == 2


def test_a_socket_without_an_address_is_counted_too() -> None:
    slot = acquire_socket(ALICE, {"client": None, "headers": []})
    assert slot is not None
    assert slot.address == "unknown"
    release_socket(slot)


# --- Attempts on invites ---


def attempt(address: str = HERE, user: int | None = None, now: float = 1000.0) -> None:
    take_invite_attempt(address=address, user_id=user, now=now)


def test_ten_unknown_tokens_a_minute_from_one_address() -> None:
    for _ in range(10):
        attempt()
    assert 59_000 < wait_after(attempt) <= 60_001
    attempt(THERE)
    attempt(now=1060.5)


def test_opening_links_that_exist_costs_nothing() -> None:
    for _ in range(100):
        take_invite_attempt(address=HERE, user_id=ALICE, now=1000.0).refund()


def test_claims_and_unknown_tokens_count_together() -> None:
    for _ in range(10):
        attempt(user=ALICE)
    wait_after(lambda: take_invite_attempt(address=HERE, user_id=ALICE, now=1000.0))


def test_an_account_has_thirty_attempts_an_hour_from_all_addresses_together() -> None:
    for number in range(30):
        attempt(f"192.0.2.{number}", user=ALICE)
    assert wait_after(lambda: attempt("192.0.2.99", user=ALICE)) > 3_590_000
    attempt("192.0.2.99", user=BOB)
    attempt("192.0.2.98", user=ALICE, now=4601.0)


def test_a_rejected_attempt_takes_nothing_from_the_other_window() -> None:
    for number in range(30):
        attempt(f"192.0.2.{number}", user=ALICE)
    for _ in range(20):
        wait_after(lambda: attempt(THERE, user=ALICE))
    for _ in range(9):  # one was alice's
        attempt(THERE, user=BOB)


def test_of_sixty_guesses_at_one_instant_ten_get_through() -> None:
    """If the check came before the count, all that check before the first is counted would get through."""
    passed, refused = at_once([attempt] * 60)
    assert (len(passed), len(refused)) == (10, 50)


def test_attempts_at_the_end_of_a_window_share_the_next_one() -> None:
    for _ in range(10):
        attempt()
    passed, refused = at_once([lambda: attempt(now=1060.5)] * 60)
    assert (len(passed), len(refused)) == (10, 50)


def test_usernames_cannot_be_tried_one_after_the_other() -> None:
    for _ in range(30):
        take_person_attempt(user_id=ALICE, now=1000.0)
    wait_after(lambda: take_person_attempt(user_id=ALICE, now=1000.0))
    take_person_attempt(user_id=BOB, now=1000.0)
    take_person_attempt(user_id=ALICE, now=1061.0)


class Broken:
    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("no cache here")


def test_while_the_cache_is_unavailable_this_process_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "cache", Broken())
    monkeypatch.setattr(windows, "shared", SharedWindow())
    windows.shared.own.clear()
    for _ in range(10):
        attempt()
    wait_after(attempt)


def test_after_a_failure_the_cache_is_not_asked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counting(Broken):
        def add(self, key: str, *args: Any, **options: Any) -> Any:
            asked.append(key)
            raise ConnectionError

    monkeypatch.setattr(windows, "cache", Counting())
    window = SharedWindow()
    window.own.clear()
    for _ in range(5):
        window.take("anything", most=100, period=60.0, now=1000.0)
    assert len(asked) == 1


@pytest.mark.parametrize("stored", ["soon", True, None, [1], {}, float("nan"), float("inf"), 1e300, -1e300])
def test_a_window_whose_stored_end_is_no_moment_begins_again(
    stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attacker who can write to the cache must not stop the counting, nor make a window without an end."""
    rests: list[str] = []
    monkeypatch.setattr(windows.logger, "debug", lambda *words: rests.append(words[0]))
    window = SharedWindow()
    windows.cache.set("spoiled", stored)
    window.take("spoiled", most=1, period=60.0, now=1000.0)
    assert wait_after(lambda: window.take("spoiled", most=1, period=60.0, now=1000.0)) <= 60_001
    assert rests == []


# --- Off, and announced ---


def test_limits_off_means_none_at_all(settings: Any) -> None:
    settings.LIMITS = False
    for _ in range(300):
        allow_frame(ALICE, now=1.0)
        allow_message(ALICE, now=1.0)
        allow_typing(ALICE, "dm-a", now=1.0)
        take_invite_attempt(address=HERE, user_id=ALICE, now=1.0)
        take_person_attempt(user_id=ALICE, now=1.0)
        allow_visit(HERE, now=1.0)
        assert acquire_socket(ALICE, handshake()) is None
    release_socket(None)


def test_the_limits_in_force_are_announced(settings: Any) -> None:
    assert announced_limits()["sends_burst"] == 60
    assert announced_limits()["sends_per_s"] == 10
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 5}
    assert announced_limits()["sends_burst"] == 5
    settings.LIMITS = False
    assert announced_limits()["sends_burst"] >= 1_000_000


# --- Client addresses ---


@pytest.mark.parametrize(
    ("forwarded", "peer", "proxies", "expected"),
    [
        ("", "192.0.2.1", 0, "192.0.2.1"),
        ("203.0.113.9", "192.0.2.1", 0, "192.0.2.1"),
        ("203.0.113.9", "10.0.0.1", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "10.0.0.1", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", "10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", 3, "203.0.113.9"),
        ("", "10.0.0.1", 1, "10.0.0.1"),
        ("unknown", "10.0.0.1", 1, "10.0.0.1"),
        ("6.6.6.6, <script>", "10.0.0.1", 1, "10.0.0.1"),
        (" , ,203.0.113.9 ,", "10.0.0.1", 1, "203.0.113.9"),
        ("", "", 0, "unknown"),
        ("", "/run/entre.sock", 0, "/run/entre.sock"),
        ("", "::ffff:192.0.2.1", 0, "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("203.0.113.9:50123", "10.0.0.1", 1, "203.0.113.9"),
        ("[2001:db8:1:2::3]:443", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::3]", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ('"[2001:db8:1:2::3]:443"', "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.9]:1", "10.0.0.1", 1, "203.0.113.9"),
        ("6.6.6.6:80, 203.0.113.9:50123, 10.0.0.2:1", "10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9:port", "10.0.0.1", 1, "10.0.0.1"),
        ("203.0.113.999:80", "10.0.0.1", 1, "10.0.0.1"),
        ("", "fe80::1%eth0", 0, "fe80::1"),
        ("[fe80::2%25eth0]:443", "10.0.0.1", 1, "fe80::2"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_trusted(
    forwarded: str, peer: str, proxies: int, expected: str
) -> None:
    assert client_address(forwarded, peer, proxies) == expected


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1", "fe80::1"),
        ("unknown", "unknown"),
        ("/run/entre.sock", "/run/entre.sock"),
    ],
)
def test_the_site_of_an_address_is_its_larger_network(address: str, site: str) -> None:
    assert site_of(address) == site


def test_mallory_does_not_get_a_new_address_by_inventing_headers(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    invented = {
        throttling.address_of_scope(handshake("10.0.0.1", f"6.6.6.{number}, 203.0.113.9"))
        for number in range(20)
    }
    assert invented == {"203.0.113.9"}


def test_a_machine_with_a_whole_ipv6_network_is_one_client() -> None:
    assert len({client_address("", f"2001:db8:1:2::{number:x}", 0) for number in range(1, 100)}) == 1
