"""Who is here: the guest book alone, with the clock passed in."""

import pytest

from conversations.monitors.activity import Due, Register

ALICE = 1


@pytest.fixture
def register() -> Register:
    return Register()


def due(register: Register, now: float) -> Due:
    return register.due(now, away_after=10)


def come_and_look(register: Register, now: float) -> None:
    register.came(ALICE)
    register.seen(ALICE, now)


def test_a_socket_alone_makes_nobody_online(register: Register) -> None:
    """A hidden tab holds a socket for days."""
    register.came(ALICE)
    assert due(register, 0) == Due()


def test_a_visible_tab_takes_a_lease_and_renews_it_every_half_minute(register: Register) -> None:
    register.came(ALICE)
    assert register.seen(ALICE, 0), "she was away until now"
    assert due(register, 0) == Due(renew=[ALICE], note=[ALICE])
    assert not register.seen(ALICE, 25)
    assert due(register, 29.9) == Due()
    assert due(register, 30) == Due(renew=[ALICE])
    register.seen(ALICE, 50)
    assert due(register, 60) == Due(renew=[ALICE], note=[ALICE]), "written once a minute"


def test_many_sockets_of_one_person_are_one_lease(register: Register) -> None:
    for _ in range(5):
        come_and_look(register, 0)
    assert due(register, 0).renew == [ALICE]


def test_a_tab_that_nobody_looks_at_for_a_minute_ends_it(register: Register) -> None:
    come_and_look(register, 0)
    due(register, 0)
    due(register, 30)
    assert due(register, 59.9) == Due()
    assert due(register, 60) == Due(end=[ALICE], note=[ALICE])
    assert due(register, 61) == Due()
    assert register.seen(ALICE, 62)
    assert due(register, 62) == Due(renew=[ALICE])


def test_a_reload_does_not_flicker(register: Register) -> None:
    come_and_look(register, 0)
    due(register, 0)
    register.left(ALICE, 20)
    assert due(register, 29.9) == Due()
    come_and_look(register, 29.9)
    assert due(register, 30) == Due(renew=[ALICE])


def test_whoever_leaves_is_gone_after_ten_seconds_and_forgotten(register: Register) -> None:
    come_and_look(register, 0)
    due(register, 0)
    register.left(ALICE, 20)
    assert due(register, 29.9) == Due()
    assert due(register, 30) == Due(end=[ALICE])
    assert register.guests == {}


def test_whoever_was_never_seen_leaves_nothing_behind(register: Register) -> None:
    register.came(ALICE)
    register.left(ALICE, 1)
    assert register.guests == {}


def test_the_first_of_two_sockets_that_close_ends_nothing(register: Register) -> None:
    come_and_look(register, 0)
    register.came(ALICE)
    due(register, 0)
    register.left(ALICE, 1)
    assert due(register, 20) == Due()
