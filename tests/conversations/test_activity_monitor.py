"""Activity tracker: which leases are due, with the clock passed in."""

import pytest

from conversations.monitors.activity import ActivityTracker, Due

ALICE = 1


@pytest.fixture
def tracker() -> ActivityTracker:
    return ActivityTracker()


def due(tracker: ActivityTracker, now: float) -> Due:
    return tracker.due(now, grace_seconds=10)


def connect_and_look(tracker: ActivityTracker, now: float) -> None:
    tracker.connected(ALICE)
    tracker.active(ALICE, now)


def test_a_socket_without_a_visible_tab_makes_no_lease(tracker: ActivityTracker) -> None:
    """A hidden tab holds a socket for days."""
    tracker.connected(ALICE)
    assert due(tracker, 0) == Due()


def test_a_visible_tab_takes_a_lease_and_renews_it_every_half_minute(tracker: ActivityTracker) -> None:
    tracker.connected(ALICE)
    assert tracker.active(ALICE, 0), "she was inactive until now"
    assert due(tracker, 0) == Due(renew=[ALICE], record=[ALICE])
    assert not tracker.active(ALICE, 25)
    assert due(tracker, 29.9) == Due()
    assert due(tracker, 30) == Due(renew=[ALICE])
    tracker.active(ALICE, 50)
    assert due(tracker, 60) == Due(renew=[ALICE], record=[ALICE]), "written once a minute"


def test_many_sockets_of_one_user_are_one_lease(tracker: ActivityTracker) -> None:
    for _ in range(5):
        connect_and_look(tracker, 0)
    assert due(tracker, 0).renew == [ALICE]


def test_a_tab_that_is_hidden_for_a_minute_ends_the_lease(tracker: ActivityTracker) -> None:
    connect_and_look(tracker, 0)
    due(tracker, 0)
    due(tracker, 30)
    assert due(tracker, 59.9) == Due()
    assert due(tracker, 60) == Due(end=[ALICE], record=[ALICE])
    assert due(tracker, 61) == Due()
    assert tracker.active(ALICE, 62)
    assert due(tracker, 62) == Due(renew=[ALICE])


def test_a_reload_does_not_flicker(tracker: ActivityTracker) -> None:
    connect_and_look(tracker, 0)
    due(tracker, 0)
    tracker.disconnected(ALICE, 20)
    assert due(tracker, 29.9) == Due()
    connect_and_look(tracker, 29.9)
    assert due(tracker, 30) == Due(renew=[ALICE])


def test_a_disconnected_user_is_offline_after_ten_seconds_and_forgotten(tracker: ActivityTracker) -> None:
    connect_and_look(tracker, 0)
    due(tracker, 0)
    tracker.disconnected(ALICE, 20)
    assert due(tracker, 29.9) == Due()
    assert due(tracker, 30) == Due(end=[ALICE])
    assert tracker.users == {}


def test_a_user_who_was_never_active_leaves_nothing_behind(tracker: ActivityTracker) -> None:
    tracker.connected(ALICE)
    tracker.disconnected(ALICE, 1)
    assert tracker.users == {}


def test_the_first_of_two_sockets_that_close_ends_nothing(tracker: ActivityTracker) -> None:
    connect_and_look(tracker, 0)
    tracker.connected(ALICE)
    due(tracker, 0)
    tracker.disconnected(ALICE, 1)
    assert due(tracker, 20) == Due()
