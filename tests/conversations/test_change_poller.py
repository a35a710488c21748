"""Change poller: a user who lacks what the database has is sent the heads, once, whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations.exceptions import Busy
from conversations.monitors import changes
from conversations.monitors.changes import ChangePoller
from conversations.selectors.conversations import Heads, Position

ALICE, BOB = 1, 2
MOVED = [("dm-x", 7, ALICE, 3), ("dm-x", 7, BOB, 4), ("dm-y", 9, ALICE, 1)]
NOTHING = Heads("e1", {}, {})
LATER_MS = 30_000


@pytest.fixture(autouse=True)
def _fast(settings: Any) -> None:
    settings.HEADS_EVERY_MS = settings.POLL_EVERY_MS = 1


class Database:
    """Answers the polls from a list; an exception is raised. The last answer is repeated."""

    def __init__(self) -> None:
        self.answers: list[Any] = [MOVED]
        self.epoch = "e1"
        self.polls = 0
        self.position = 50_000
        self.asked: list[tuple[Position, Position]] = []
        self.polled = asyncio.Event()

    async def run_query(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if query is changes.current_epoch:
            return self.epoch
        if query is changes.position:
            return Position(self.position)
        self.asked.append(args)
        self.polls += 1
        self.polled.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def be_polled(self, times: int) -> None:
        """Wait until so many polls have begun from now on; all but the last one are over then."""
        wanted = self.polls + times
        async with asyncio.timeout(10):
            while self.polls < wanted:
                self.polled.clear()
                await self.polled.wait()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database()
    monkeypatch.setattr(changes, "run_query", database.run_query)
    return database


@pytest.fixture
async def poller() -> AsyncIterator[ChangePoller]:
    poller = ChangePoller()
    yield poller
    poller.task.stop()


class Listener:
    """One socket."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[Heads] = asyncio.Queue()

    async def listen(self, heads: Heads) -> None:
        await self.received.put(heads)

    async def next(self) -> Heads:
        async with asyncio.timeout(10):
            return await self.received.get()


# --- Heads on time ---


async def test_each_user_is_sent_the_heads_of_their_own_rooms(
    poller: ChangePoller, database: Database
) -> None:
    alice, alices_phone, bob = Listener(), Listener(), Listener()
    poller.join(ALICE, alice.listen, NOTHING)
    poller.join(ALICE, alices_phone.listen, NOTHING)
    poller.join(BOB, bob.listen, NOTHING)
    assert (
        await alice.next()
        == await alices_phone.next()
        == Heads("e1", {"dm-x": 7, "dm-y": 9}, {"dm-x": 3, "dm-y": 1})
    )
    assert await bob.next() == Heads("e1", {"dm-x": 7}, {"dm-x": 4})


async def test_a_broken_socket_does_not_keep_the_heads_from_the_others(
    poller: ChangePoller, database: Database
) -> None:
    async def break_down(heads: Heads) -> None:
        raise ConnectionError

    bob = Listener()
    poller.join(BOB, break_down, NOTHING)
    poller.join(BOB, bob.listen, NOTHING)
    for _ in range(3):
        await bob.next()


@pytest.mark.parametrize("trouble", [Busy(), ZeroDivisionError()])
async def test_polling_goes_on_after_an_error_and_covers_its_time(
    poller: ChangePoller, database: Database, trouble: Exception
) -> None:
    database.answers[:] = [trouble, trouble, MOVED]
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    assert (await bob.next()).rooms == {"dm-x": 7}


async def test_a_reload_of_the_only_page_does_not_stop_the_polling(
    poller: ChangePoller, database: Database
) -> None:
    """The old socket leaves and the new one joins within one turn of the loop."""
    first, second = Listener(), Listener()
    poller.join(BOB, first.listen, NOTHING)
    await first.next()
    poller.leave(BOB, first.listen)
    poller.join(BOB, second.listen, NOTHING)
    await second.next()


async def test_without_listeners_the_poller_stops_and_forgets_all_users(
    poller: ChangePoller, database: Database
) -> None:
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    await bob.next()
    task = poller.task.task
    poller.leave(BOB, bob.listen)
    assert task is not None
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [poller.listeners, poller.delivered, poller.lagging, poller.changed] == [{}, {}, {}, {}]


# --- Between two heads ---


@pytest.fixture
def _no_heads_due(settings: Any) -> None:
    settings.HEADS_EVERY_MS = LATER_MS


@pytest.mark.usefixtures("_no_heads_due")
async def test_what_no_push_delivered_is_sent_before_the_heads_are_due(
    poller: ChangePoller, database: Database
) -> None:
    """Redis is unavailable, or a management command wrote: only the database has the message."""
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    assert await bob.next() == Heads("e1", {"dm-x": 7}, {"dm-x": 4})


@pytest.mark.usefixtures("_no_heads_due")
async def test_what_was_sent_once_is_not_sent_again(poller: ChangePoller, database: Database) -> None:
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    await bob.next()
    await database.be_polled(5)
    assert bob.received.empty()


@pytest.mark.usefixtures("_no_heads_due")
@pytest.mark.parametrize("numbers", [(7, 4), (9, 9)], ids=["just that", "something newer"])
async def test_what_a_push_delivered_is_not_sent_again(
    poller: ChangePoller, database: Database, numbers: tuple[int, int]
) -> None:
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    poller.note_delivered(BOB, "dm-x", numbers[0], 0)
    poller.note_delivered(BOB, "dm-x", 0, numbers[1])
    await database.be_polled(5)
    assert bob.received.empty()


@pytest.mark.usefixtures("_no_heads_due")
async def test_what_the_greeting_said_is_not_sent_again(poller: ChangePoller, database: Database) -> None:
    bob = Listener()
    poller.join(BOB, bob.listen, Heads("e1", {"dm-x": 7}, {"dm-x": 4}))
    await database.be_polled(5)
    assert bob.received.empty()


@pytest.mark.usefixtures("_no_heads_due")
async def test_a_greeting_of_the_phone_does_not_hide_what_the_laptop_lacks(
    poller: ChangePoller, database: Database
) -> None:
    laptop, phone = Listener(), Listener()
    poller.join(BOB, laptop.listen, NOTHING)
    poller.join(BOB, phone.listen, Heads("e1", {"dm-x": 7}, {"dm-x": 4}))
    assert (await laptop.next()).rooms == {"dm-x": 7}


@pytest.mark.usefixtures("_no_heads_due")
@pytest.mark.parametrize(("head", "mark"), [(6, 4), (7, 3)], ids=["a message", "a receipt"])
async def test_one_missing_number_is_enough_to_lag(
    poller: ChangePoller, database: Database, head: int, mark: int
) -> None:
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    poller.note_delivered(BOB, "dm-x", head, mark)
    assert await bob.next() == Heads("e1", {"dm-x": 7}, {"dm-x": 4})


@pytest.mark.usefixtures("_no_heads_due")
async def test_in_a_busy_room_a_push_on_its_way_is_not_overtaken(
    poller: ChangePoller, database: Database
) -> None:
    """At every poll the newest message is not pushed yet, and the one before has arrived: no user lags."""
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    for head in range(1, 20):
        database.answers[:] = [[("dm-x", head, BOB, 0)]]
        await database.be_polled(1)
        poller.note_delivered(BOB, "dm-x", head, 0)
    await database.be_polled(2)
    assert bob.received.empty()


# --- A restored backup ---


@pytest.mark.usefixtures("_no_heads_due")
async def test_a_restored_backup_is_announced_to_all_sockets_at_once(
    poller: ChangePoller, database: Database
) -> None:
    alice, bob = Listener(), Listener()
    database.answers[:] = [[]]
    poller.join(ALICE, alice.listen, NOTHING)
    poller.join(BOB, bob.listen, NOTHING)
    poller.note_delivered(BOB, "dm-x", 9, 9)
    await database.be_polled(2)
    database.epoch = "e2"
    assert await alice.next() == await bob.next() == Heads("e2", {}, {})
    database.answers[:] = [[("dm-x", 3, BOB, 1)]]
    assert await bob.next() == Heads("e2", {"dm-x": 3}, {"dm-x": 1}), (
        "lower numbers of the new history are new"
    )


# --- Where a poll begins ---


@pytest.mark.usefixtures("_no_heads_due")
async def test_a_poll_begins_where_the_last_successful_one_ended(
    poller: ChangePoller, database: Database
) -> None:
    database.answers[:] = [[], [], [], [], Busy(), Busy(), Busy(), []]
    poller.join(BOB, Listener().listen, NOTHING)
    for _ in range(8):
        await database.be_polled(1)
        database.position += 100
    lower, upper = zip(
        *[(since.following, until.following) for since, until in database.asked[:8]], strict=True
    )
    assert all(low <= before for low, before in zip(lower[1:], upper, strict=False)), (
        "no gap between two polls"
    )
    assert lower[-1] <= upper[3], "the failed polls are covered"


@pytest.mark.usefixtures("_no_heads_due")
async def test_a_database_with_smaller_numbers_is_polled_from_further_back(
    poller: ChangePoller, database: Database
) -> None:
    """A replica took over that had not received all commits: its next writes reuse numbers that were seen."""
    database.answers[:] = [[]]
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    await database.be_polled(4)
    database.position = 49_000
    await database.be_polled(2)
    assert any(since.following < 49_000 == until.following for since, until in database.asked)


@pytest.mark.usefixtures("_no_heads_due")
async def test_what_only_one_poll_saw_is_sent_by_the_next(poller: ChangePoller, database: Database) -> None:
    """Each change is in one poll; a user who still lacks it at the next one is sent the heads."""
    database.answers[:] = [MOVED, []]
    bob = Listener()
    poller.join(BOB, bob.listen, NOTHING)
    assert (await bob.next()).rooms == {"dm-x": 7}
    await database.be_polled(3)
    assert bob.received.empty()
