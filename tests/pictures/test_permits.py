"""Permits for worker processes: who gets the next one, and who is refused at once (docs/threats.md T40)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from accounts.pictures import permits
from accounts.pictures.permits import NoPermit, Permits


@pytest.fixture
def all() -> Permits:
    return Permits()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 0.0)


class Waiter:
    """A thread that has a permit from `has` until `done`."""

    def __init__(self, all: Permits, user: str) -> None:
        self.all, self.user = all, user
        self.has, self.done = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)
        before = len(all.places)
        self.thread.start()
        with all.changed:
            assert all.changed.wait_for(lambda: len(all.places) > before, 60)

    def run(self) -> None:
        with self.all.permit(self.user):
            self.has.set()
            self.done.wait(60)

    def end(self) -> None:
        self.done.set()
        self.thread.join(60)


@pytest.fixture
def waiters(all: Permits, patient: None) -> Iterator[list[Waiter]]:
    made: list[Waiter] = []
    yield made
    for waiter in made:
        waiter.end()
    assert all.places == []


def test_two_users_have_one_each_and_the_third_none(all: Permits, impatient: None) -> None:
    with all.permit("alice"), all.permit("bob"), pytest.raises(NoPermit), all.permit("carol"):
        pass
    with all.permit("carol"):
        pass
    assert all.places == []


def test_no_user_has_two(all: Permits, impatient: None) -> None:
    with all.permit("mallory"):
        with pytest.raises(NoPermit), all.permit("mallory"):
            pass
        with all.permit("bob"):
            pass


def test_bob_is_before_what_mallory_asked_for_earlier(all: Permits, waiters: list[Waiter]) -> None:
    """She has one permit and waits for two more; the other one is his at once."""
    for user in ("mallory", "mallory", "mallory", "bob"):
        waiters.append(Waiter(all, user))
    first, second, third, bobs = waiters
    assert bobs.has.wait(60)
    assert first.has.is_set()
    assert not second.has.is_set()
    first.end()
    assert second.has.wait(60), "in the order in which they were asked for"
    assert not third.has.is_set()


def test_those_who_wait_get_it_in_their_order(all: Permits, waiters: list[Waiter]) -> None:
    for user in ("alice", "bob", "carol", "dave"):
        waiters.append(Waiter(all, user))
    alice, _, carol, dave = waiters
    alice.end()
    assert carol.has.wait(60)
    assert not dave.has.is_set()


def test_of_one_user_and_of_all_only_so_many_wait(
    all: Permits, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that waits holds a thread, of which pages need some, too. The next is refused at once."""
    all.places += [permits.Place("mallory") for _ in range(permits.PLACES_OF_ONE)]
    with pytest.raises(NoPermit), all.permit("mallory"):
        pass
    all.places += [permits.Place(number) for number in range(permits.PLACES - permits.PLACES_OF_ONE)]
    with pytest.raises(NoPermit), all.permit("bob"):
        pass
    assert len(all.places) == permits.PLACES


def test_an_error_gives_the_permit_back(all: Permits, impatient: None) -> None:
    for _ in range(3):
        with pytest.raises(KeyError), all.permit("alice"):
            raise KeyError
    assert all.places == []
