"""Frames to the client: each has one schema, one example and one encoding."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from conversations.protocol.codes import RETRYABLE, CloseCode, ErrorCode
from conversations.protocol.commands import COMMANDS, decode
from conversations.protocol.events import (
    EVENTS,
    Bye,
    ConnectionEstablished,
    Heads,
    MessageCreated,
    ReceiptAdvanced,
)
from conversations.protocol.frames import Frame
from conversations.protocol.objects import instant, instant_or_none
from conversations.protocol.replies import REPLIES, Done, Error, MessageAccepted, Pong, SyncPage
from tests.protocol.golden import GOLDEN, compact, golden

FRAMES: dict[str, type[Frame]] = {frame.model_fields["type"].default: frame for frame in (*EVENTS, *REPLIES)}


# --- The golden examples ---


def test_every_type_has_one_example_and_every_example_a_type() -> None:
    assert set(GOLDEN) == set(COMMANDS) | set(FRAMES)
    assert not set(COMMANDS) & set(FRAMES)


@pytest.mark.parametrize("type", COMMANDS)
def test_golden_command_survives_a_round_trip(type: str) -> None:
    command = decode(GOLDEN[type])
    assert command.type == type
    assert json.loads(command.model_dump_json(exclude_unset=True)) == golden(type)


@pytest.mark.parametrize("type", FRAMES)
def test_golden_frame_is_encoded_byte_for_byte(type: str) -> None:
    frame = FRAMES[type].model_validate_json(GOLDEN[type])
    assert frame.encode() == compact(golden(type))


@pytest.mark.parametrize("type", GOLDEN)
def test_type_stands_first(type: str) -> None:
    assert next(iter(golden(type))) == "type"
    assert golden(type)["type"] == type


@pytest.mark.parametrize("type", FRAMES)
def test_type_is_never_another_one(type: str) -> None:
    with pytest.raises(ValidationError):
        FRAMES[type].model_validate_json(compact({**golden(type), "type": "ping"}))


@pytest.mark.parametrize("type", FRAMES)
def test_unknown_field_is_never_sent(type: str) -> None:
    """A body or a key added by mistake must fail here and not reach a client."""
    with pytest.raises(ValidationError):
        FRAMES[type].model_validate_json(compact({**golden(type), "password": "x"}))


@pytest.mark.parametrize(
    ("type", "field"),
    [
        (type, field)
        for type, model in FRAMES.items()
        for field in model.model_fields
        if field not in model.optional and model.model_fields[field].is_required()
    ],
)
def test_field_that_is_not_optional_is_always_there(type: str, field: str) -> None:
    with pytest.raises(ValidationError):
        FRAMES[type].model_validate_json(
            compact({name: value for name, value in golden(type).items() if name != field})
        )


@pytest.mark.parametrize("type", FRAMES)
def test_optional_fields_are_omitted_when_none(type: str) -> None:
    model = FRAMES[type]
    bare = {name: value for name, value in golden(type).items() if name not in model.optional}
    assert model.model_validate_json(compact(bare)).encode() == compact(bare)


@pytest.mark.parametrize("type", FRAMES)
def test_optional_fields_are_those_without_which_a_frame_can_be_made(type: str) -> None:
    model = FRAMES[type]
    assert all(
        not model.model_fields[field].is_required() and model.model_fields[field].default is None
        for field in model.optional
    )


# --- Encoding ---


def test_text_travels_raw_and_not_escaped() -> None:
    assert "я🌿é" in Pong(now="я🌿é").encode()


def test_null_is_sent_for_fields_that_are_never_omitted() -> None:
    message = golden("message.created")["message"]
    frame = MessageCreated.model_validate_json(GOLDEN["message.created"])
    assert message["edited_at"] is None
    assert '"edited_at":null' in frame.encode()


def test_zero_and_empty_are_not_omitted() -> None:
    assert (
        '"read_count":0'
        in ReceiptAdvanced(room="r", user="u", delivered=0, read=0, read_count=0, mark=0).encode()
    )
    assert (
        '"hidden":[],"mark":0'
        in SyncPage(
            room="r", after=0, version=0, messages=[], receipts=[], more=False, reset=False, hidden=[], mark=0
        ).encode()
    )
    assert Done(ref="").encode() == '{"type":"done","ref":""}'


def test_frame_cannot_be_changed_once_it_is_made() -> None:
    """One encoded frame goes to many sockets, so it must be immutable."""
    frame = Heads(epoch="e", rooms={}, marks={})
    with pytest.raises(ValidationError):
        frame.more = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("seq", "1"), ("seq", 1.0), ("seq", True), ("duplicate", 0), ("room", None), ("id", 7)],
)
def test_wrong_type_is_never_sent(field: str, wrong: Any) -> None:
    right = {name: value for name, value in golden("message.accepted").items() if name != "type"}
    assert MessageAccepted(**right)
    with pytest.raises(ValidationError):
        MessageAccepted(**{**right, field: wrong})


def test_greeting_of_the_first_system_is_kept() -> None:
    frame = golden("connection_established")
    assert (frame["message"], frame["protocol"]) == ("You are now connected!", "dm.v1")
    with pytest.raises(ValidationError):
        ConnectionEstablished.model_validate_json(compact({**frame, "message": "Hello"}))


# --- Times ---


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 18, 4, 5, 678_999, tzinfo=UTC), "2026-11-21T18:04:05.678Z"),
        (datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21T00:00:00.000Z"),
        (datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=3))), "2026-11-20T22:30:00.000Z"),
    ],
)
def test_time_is_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert instant(moment) == text
    assert instant_or_none(moment) == text


def test_no_time_is_none() -> None:
    assert instant_or_none(None) is None


# --- Codes ---


def test_error_codes_are_those_of_the_contract() -> None:
    assert " ".join(ErrorCode) == (
        "bad_frame unknown_type invalid_text invalid_file too_large not_found cannot_deliver conflict gone "
        "edit_window_closed "
        "rate_limited busy storage_full unknown_result internal unauthenticated forbidden other_account"
    )
    assert {code.value for code in RETRYABLE} == {
        "rate_limited",
        "busy",
        "storage_full",
        "unknown_result",
        "internal",
    }


def test_close_codes_are_those_of_the_contract() -> None:
    assert {int(code): code.reason for code in CloseCode} == {
        4400: "bad_protocol",
        4401: "unauthenticated",
        4403: "forbidden",
        4404: "not_found",
        4408: "too_slow",
        4409: "replaced",
        4413: "too_large",
        4426: "upgrade_required",
        4429: "rate_limited",
        4012: "restarting",
        4500: "internal",
        4503: "overloaded",
    }


def test_browser_gives_up_on_four_codes_only() -> None:
    assert {int(code) for code in CloseCode if code.is_final} == {4401, 4403, 4404, 4426}


@pytest.mark.parametrize("code", [1000, 1011, 3999, 5000])
def test_bye_with_a_code_that_daphne_cannot_send_is_rejected(code: int) -> None:
    with pytest.raises(ValidationError):
        Bye(code=code, reason="x", retryable=True, retry_after_ms=0)


def test_error_without_details_is_short() -> None:
    assert (
        Error(code="not_found", retryable=False).encode()
        == '{"type":"error","code":"not_found","retryable":false}'
    )
