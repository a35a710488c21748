"""The judge itself: each column turns red for what it is there for, and for nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.faults.changes import EMPTY, Change, Kind, State
from tools.faults.checker import Reading, Row, check
from tools.faults.history import COLUMNS, Findings, History
from tools.faults.logs import UNKNOWN_ERROR, errors_in

ROOM, OTHER_ROOM = "dm-alice-bob", "dm-carol-dave"
TEXT, OTHER_TEXT = 1, 2


def sent(history: History, *ids: str, device: str = "alice", room: str = ROOM) -> None:
    for id in ids:
        history.invoked(id=id, room=room, device=device, digest=TEXT, at=0.0)


def acked(
    history: History,
    id: str,
    seq: int,
    *,
    device: str = "alice",
    connection: int = 1,
    duplicate: bool = False,
) -> None:
    history.accepted(
        device=device, connection=connection, id=id, seq=seq, duplicate=duplicate, at=1.0, waited=0.1
    )


def shown(history: History, device: str, *ids: str) -> None:
    """The device goes on from where it is; what it has is not shown again."""
    begin = history.screens[device, ROOM].cursor
    for seq, id in enumerate(ids[begin:], begin + 1):
        show(history, device, seq, id)
        history.moved(device=device, room=ROOM, cursor=seq)


def show(history: History, device: str, seq: int, id: str, state: State | None = None) -> None:
    state = state or State(seq, TEXT)
    history.shown(device=device, room=ROOM, seq=seq, id=id, state=state, is_mine=False, at=1.0)


def log(*ids: str, head: int | None = None) -> Reading:
    rows = [row(seq, id) for seq, id in enumerate(ids, 1)]
    return Reading("alice over HTTP", ROOM, len(ids) if head is None else head, rows)


def row(seq: int, id: str, state: State | None = None) -> Row:
    return Row(seq, id, state or State(seq, TEXT), f"2026-01-01T00:00:{seq:02}.000Z")


def good_history() -> History:
    """Alice sent a and b, Bob sent c; all devices were told, and all show the three."""
    history = History()
    sent(history, "a", "b")
    sent(history, "c", device="bob")
    for seq, id in enumerate("ab", 1):
        acked(history, id, seq)
    acked(history, "c", 3, device="bob")
    for device in ("alice", "bob"):
        shown(history, device, "a", "b", "c")
    return history


def columns(findings: Findings) -> set[str]:
    return {column for column in COLUMNS if findings.counts[column]}


def test_a_good_history_is_clean() -> None:
    findings = check(good_history(), [log("a", "b", "c")], [log("a", "b", "c")])
    assert findings.is_clean, str(findings)


def test_an_unanswered_send_may_be_there_or_not() -> None:
    for stored in (("a", "b", "c"), ("a", "b", "c", "d")):
        history = good_history()
        sent(history, "d", device="bob")
        history.given_up("d")
        for device in ("alice", "bob"):
            shown(history, device, *stored)
        assert check(history, [log(*stored)]).is_clean


def test_a_repeat_that_is_told_so_is_no_finding() -> None:
    history = good_history()
    acked(history, "a", 1, connection=2, duplicate=True)
    assert check(history, [log("a", "b", "c")]).is_clean


def test_what_was_acknowledged_before_a_backup_was_restored_may_be_gone() -> None:
    history = good_history()
    history.restored()
    assert check(history, [log("a")]).is_clean


def lost_message() -> tuple[History, Reading]:
    history = good_history()
    sent(history, "d")
    acked(history, "d", 4)
    return history, log("a", "b", "c")


def message_from_nowhere() -> tuple[History, Reading]:
    history = good_history()
    for device in ("alice", "bob"):
        shown(history, device, "a", "b", "c", "x")
    return history, log("a", "b", "c", "x")


def refused_and_stored() -> tuple[History, Reading]:
    history = good_history()
    sent(history, "d")
    history.refused("d", "cannot_deliver", retryable=False)
    for device in ("alice", "bob"):
        shown(history, device, "a", "b", "c", "d")
    return history, log("a", "b", "c", "d")


def another_text() -> tuple[History, Reading]:
    reading = log("a", "b", "c")
    reading.rows[1] = row(2, "b", State(2, OTHER_TEXT))
    history = good_history()
    history.screens.clear()
    return history, reading


def message_of_another_room() -> tuple[History, Reading]:
    history = good_history()
    sent(history, "z", room=OTHER_ROOM)
    for device in ("alice", "bob"):
        shown(history, device, "a", "b", "c", "z")
    return history, log("a", "b", "c", "z")


def stored_twice() -> tuple[History, Reading]:
    history = History()
    sent(history, "a")
    acked(history, "a", 1)
    return history, log("a", "a")


def shown_twice() -> tuple[History, Reading]:
    history = good_history()
    show(history, "bob", 4, "a", State(4, TEXT))
    history.screens["bob", ROOM].shown.pop(4)
    return history, log("a", "b", "c")


def acknowledged_as_another_number() -> tuple[History, Reading]:
    history = History()
    sent(history, "a", "b", device="alice")
    acked(history, "a", 2)
    return history, log("a", "b")


def acknowledged_twice_differently() -> tuple[History, Reading]:
    history = good_history()
    acked(history, "a", 3, duplicate=True)
    return history, log("a", "b", "c")


def own_messages_out_of_order() -> tuple[History, Reading]:
    history = History()
    sent(history, "a", "b")
    return history, log("b", "a")


def two_screens_disagree() -> tuple[History, Reading]:
    history = good_history()
    history.screens["bob", ROOM].shown.update({1: "b", 2: "a"})
    return history, log("a", "b", "c")


def unread_miscounted() -> tuple[History, Reading]:
    reading = log("a", "b", "c")
    reading.unread, reading.expected_unread = 2, 1
    return good_history(), reading


def number_missing_in_the_log() -> tuple[History, Reading]:
    history = History()
    sent(history, "a", "b")
    reading = log("a", "b", head=3)
    reading.rows[1] = row(3, "b")
    return history, reading


def message_missing_on_a_screen() -> tuple[History, Reading]:
    history = good_history()
    del history.screens["bob", ROOM].shown[2]
    return history, log("a", "b", "c")


def screen_left_behind() -> tuple[History, Reading]:
    history = good_history()
    del history.screens["bob", ROOM].shown[3]
    history.screens["bob", ROOM].cursor = 2
    return history, log("a", "b", "c")


def cursor_going_back() -> tuple[History, Reading]:
    history = good_history()
    history.moved(device="bob", room=ROOM, cursor=2)
    history.moved(device="bob", room=ROOM, cursor=3)
    return history, log("a", "b", "c")


def reset_without_a_new_epoch() -> tuple[History, Reading]:
    history = good_history()
    history.was_reset(device="bob", room=ROOM, base=2, cursor=2, is_new_epoch=False)
    shown(history, "bob", "a", "b", "c")
    return history, log("a", "b", "c")


def receipt_going_back() -> tuple[History, Reading]:
    history = good_history()
    history.receipt(device="alice", room=ROOM, user="bob", delivered=3, read=3, is_stored=False)
    history.receipt(device="alice", room=ROOM, user="bob", delivered=3, read=2, is_stored=True)
    return history, log("a", "b", "c")


def ack_going_back_on_one_socket() -> tuple[History, Reading]:
    history = History()
    sent(history, "a", device="laptop")
    sent(history, "b", device="phone")
    acked(history, "b", 2, device="laptop")
    acked(history, "a", 1, device="laptop")
    return history, log("a", "b")


def time_going_back() -> tuple[History, Reading]:
    reading = log("a", "b", "c")
    reading.rows[2] = Row(3, "c", State(3, TEXT), "2025-01-01T00:00:00.000Z")
    return good_history(), reading


def frame_of_strangers() -> tuple[History, Reading]:
    history = good_history()
    history.foreign(device="mallory", room=ROOM, kind="message.created")
    return history, log("a", "b", "c")


@pytest.mark.parametrize(
    ("column", "plant"),
    [
        ("lost", lost_message),
        ("phantom", message_from_nowhere),
        ("phantom", refused_and_stored),
        ("phantom", another_text),
        ("phantom", message_of_another_room),
        ("duplicate", stored_twice),
        ("duplicate", shown_twice),
        ("order", acknowledged_as_another_number),
        ("order", acknowledged_twice_differently),
        ("order", own_messages_out_of_order),
        ("order", two_screens_disagree),
        ("order", unread_miscounted),
        ("hole", number_missing_in_the_log),
        ("hole", message_missing_on_a_screen),
        ("hole", screen_left_behind),
        ("regression", cursor_going_back),
        ("regression", reset_without_a_new_epoch),
        ("regression", receipt_going_back),
        ("regression", ack_going_back_on_one_socket),
        ("regression", time_going_back),
        ("leak", frame_of_strangers),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.replace("_", " "),
)
def test_a_planted_fault_turns_its_column_red(
    column: str, plant: Callable[[], tuple[History, Reading]]
) -> None:
    history, reading = plant()
    assert columns(check(history, [reading])) == {column}


def test_a_second_reader_who_sees_something_else_is_found() -> None:
    assert columns(check(good_history(), [log("a", "b", "c")], [log("b", "a", "c")])) == {"order"}


def test_receipts_that_the_layer_brings_late_are_no_finding() -> None:
    history = good_history()
    for read in (3, 2):
        history.receipt(device="alice", room=ROOM, user="bob", delivered=3, read=read, is_stored=False)
    assert check(history, [log("a", "b", "c")]).is_clean


LOG = """2026-01-01 00:00:00,000 WARNING conversations.delivery the channel layer is away (ConnectionError)
2026-01-01 00:00:01,000 ERROR channels_redis.pubsub Unexpected exception in receive task
Traceback (most recent call last):
  File "pubsub.py", line 1, in receive
redis.exceptions.ConnectionError: Connection closed by server.
2026-01-01 00:00:02,000 ERROR conversations.consumers.connection a socket event of type frame.push failed
Traceback (most recent call last):
  File "a.py", line 1, in one
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 1, in two
ValueError: b
2026-01-01 00:00:03,000 ERROR conversations.journal.writer the journal met a KeyError that it does not know
  File "c.py", line 1, in three
2026-01-01 00:00:04,000 INFO conversations.delivery all is well
"""


def test_a_traceback_in_the_log_is_counted_once_with_its_logger() -> None:
    errors = errors_in(LOG)
    assert errors.unhandled == {"conversations.consumers.connection": 1, "conversations.journal.writer": 1}
    assert errors.known == {"channels_redis.pubsub": 1}


def test_a_traceback_that_no_logger_wrote_is_counted() -> None:
    assert errors_in("Traceback (most recent call last):\nKeyError: 'a'\n").unhandled == {"stderr": 1}


def test_the_journals_line_for_an_unexpected_error_is_known() -> None:
    """It has no traceback, which could quote a body, so the suite counts it by its words."""
    journal = Path(__file__).resolve().parents[2] / "conversations" / "journal" / "writer.py"
    assert UNKNOWN_ERROR in journal.read_text(encoding="utf-8")


# Edits, deletions and reactions: Alice's b is at 2; its changes take the numbers from 4 on


def changed(history: History, kind: Kind, version: int, value: int | str = "", *, on: bool = True) -> None:
    """Alice's command for b, acknowledged with this number."""
    ref = f"{kind} {version}"
    history.change_invoked(ref, Change(kind, ROOM, 2, "alice", value, on))
    history.tried(ref)
    history.change_accepted(ref, version=version)


def shown_changed(history: History, state: State, *devices: str) -> None:
    for device in devices or ("alice", "bob"):
        show(history, device, 2, "b", state)
        history.moved(device=device, room=ROOM, cursor=state.version)


def changed_log(state: State, head: int | None = None) -> Reading:
    reading = log("a", "b", "c", head=head or state.version)
    reading.rows[1] = row(2, "b", state)
    return reading


EDITED = State(4, OTHER_TEXT)
DELETED = State(5, EMPTY, is_deleted=True)


def edited_history() -> History:
    history = good_history()
    changed(history, Kind.EDIT, 4, OTHER_TEXT)
    shown_changed(history, EDITED)
    return history


def deleted_history() -> History:
    history = edited_history()
    changed(history, Kind.DELETE, 5)
    shown_changed(history, DELETED)
    return history


def reacted_history(*, is_taken_back: bool = False) -> tuple[History, State]:
    history = good_history()
    changed(history, Kind.REACT, 4, "👍")
    changed(history, Kind.REACT, 5, "😂")
    state = State(5, TEXT, (("😂", "alice"),))
    if is_taken_back:
        changed(history, Kind.REACT, 6, "😂", on=False)
        state = State(6, TEXT)
    shown_changed(history, State(4, TEXT, (("👍", "alice"),)))
    shown_changed(history, state)
    return history, state


def test_acknowledged_changes_that_everyone_shows_are_clean() -> None:
    edited, deleted = edited_history(), deleted_history()
    for history, state in (
        (edited, EDITED),
        (deleted, DELETED),
        reacted_history(),
        reacted_history(is_taken_back=True),
    ):
        findings = check(history, [changed_log(state)], [changed_log(state)])
        assert findings.is_clean, str(findings)


@pytest.mark.parametrize("state", [State(2, TEXT), EDITED], ids=["not carried out", "carried out"])
def test_a_change_without_an_answer_may_be_there_or_not(state: State) -> None:
    history = good_history()
    history.change_invoked("x", Change(Kind.EDIT, ROOM, 2, "alice", OTHER_TEXT))
    history.tried("x")
    history.given_up("x")
    shown_changed(history, state)
    for device in ("alice", "bob"):
        history.moved(device=device, room=ROOM, cursor=max(3, state.version))
    history.findings = Findings()
    assert check(history, [changed_log(state, head=max(3, state.version))]).is_clean


def lost_edit() -> tuple[History, Reading]:
    history = good_history()
    changed(history, Kind.EDIT, 4, OTHER_TEXT)
    shown_changed(history, State(4, TEXT))
    return history, changed_log(State(4, TEXT))


def lost_deletion() -> tuple[History, Reading]:
    history = edited_history()
    changed(history, Kind.DELETE, 5)
    shown_changed(history, State(5, OTHER_TEXT))
    return history, changed_log(State(5, OTHER_TEXT))


def lost_reaction() -> tuple[History, Reading]:
    history, _ = reacted_history()
    shown_changed(history, State(5, TEXT))
    return history, changed_log(State(5, TEXT))


def reaction_that_comes_back() -> tuple[History, Reading]:
    history, _ = reacted_history(is_taken_back=True)
    state = State(6, TEXT, (("😂", "alice"),))
    shown_changed(history, state)
    return history, changed_log(state)


def deleted_without_a_command() -> tuple[History, Reading]:
    history = edited_history()
    shown_changed(history, DELETED)
    return history, changed_log(DELETED)


def deleted_text_in_the_log() -> tuple[History, Reading]:
    history = deleted_history()
    state = State(5, OTHER_TEXT, is_deleted=True)
    shown_changed(history, state)
    return history, changed_log(state)


def deleted_text_on_a_screen() -> tuple[History, Reading]:
    history = deleted_history()
    history.screens["bob", ROOM].changed[2] = EDITED
    return history, changed_log(DELETED)


def refused_edit_that_is_stored() -> tuple[History, Reading]:
    history = edited_history()
    history.change_invoked("x", Change(Kind.EDIT, ROOM, 2, "alice", 3))
    history.refused("x", "conflict", retryable=False)
    shown_changed(history, State(5, 3))
    return history, changed_log(State(5, 3))


def screen_without_the_edit() -> tuple[History, Reading]:
    history = edited_history()
    del history.screens["bob", ROOM].changed[2]
    return history, changed_log(EDITED)


def screens_with_different_reactions() -> tuple[History, Reading]:
    history, state = reacted_history()
    history.screens["bob", ROOM].changed[2] = State(5, TEXT, (("😂", "bob"),))
    return history, changed_log(state)


def two_reactions_of_one_person() -> tuple[History, Reading]:
    history, _ = reacted_history()
    state = State(5, TEXT, (("👍", "alice"), ("😂", "alice")))
    shown_changed(history, state)
    return history, changed_log(state)


def number_of_no_change() -> tuple[History, Reading]:
    history = edited_history()
    for device in ("alice", "bob"):
        history.moved(device=device, room=ROOM, cursor=5)
    return history, changed_log(EDITED, head=5)


def one_number_for_two_changes() -> tuple[History, Reading]:
    history = edited_history()
    history.change_invoked("x", Change(Kind.REACT, ROOM, 1, "alice", "👍"))
    history.tried("x")
    history.change_accepted("x", version=4)
    reading = changed_log(EDITED)
    reading.rows[0] = row(1, "a", State(4, TEXT, (("👍", "alice"),)))
    for device in ("alice", "bob"):
        show(history, device, 1, "a", State(4, TEXT, (("👍", "alice"),)))
    return history, reading


@pytest.mark.parametrize(
    ("column", "plant"),
    [
        ("lost", lost_edit),
        ("lost", lost_deletion),
        ("lost", lost_reaction),
        ("phantom", reaction_that_comes_back),
        ("phantom", deleted_without_a_command),
        ("phantom", deleted_text_in_the_log),
        ("phantom", deleted_text_on_a_screen),
        ("phantom", refused_edit_that_is_stored),
        ("hole", screen_without_the_edit),
        ("hole", number_of_no_change),
        ("order", screens_with_different_reactions),
        ("order", one_number_for_two_changes),
        ("duplicate", two_reactions_of_one_person),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.replace("_", " "),
)
def test_a_planted_fault_of_a_change_turns_its_column_red(
    column: str, plant: Callable[[], tuple[History, Reading]]
) -> None:
    history, reading = plant()
    assert columns(check(history, [reading])) == {column}


def test_a_message_shown_otherwise_than_it_was_sent_is_found_at_once() -> None:
    history = good_history()
    show(history, "bob", 2, "b", State(2, OTHER_TEXT))
    assert columns(history.findings) == {"phantom"}
