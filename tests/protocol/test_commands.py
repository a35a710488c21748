"""Decoding of commands: what each accepts, and what it rejects."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.protocol.codes import ErrorCode
from conversations.protocol.commands import (
    COMMANDS,
    BadFrame,
    Command,
    MessageSend,
    Ping,
    ReceiptSet,
    Sync,
    decode,
    peek_ids,
    strings_in,
)

ROOM = "dm-2q2qkl6mbgzduynrdakhqabbq6m3r65w"
ID = "0192f0c1-7a3e-7b52-9c41-5d2f8e6a1b70"
LARGEST = 2**63 - 1

SEND = {"type": "message.send", "room": ROOM, "id": ID, "body": "hello"}
EDIT = {"type": "message.edit", "room": ROOM, "seq": 42, "body": "hello"}
DELETE = {"type": "message.delete", "room": ROOM, "seq": 42, "scope": "me"}
REACTION = {"type": "reaction.set", "room": ROOM, "seq": 7, "emoji": "👍", "on": True}
DRAFT = {"type": "draft.set", "room": ROOM, "body": ""}
RECEIPT = {"type": "receipt.set", "room": ROOM}
OPEN = {"type": "room.open", "room": ROOM}
CLOSE = {"type": "room.close", "room": ROOM}
TYPING = {"type": "typing.set", "room": ROOM, "on": True}
SYNC = {"type": "sync", "rooms": {ROOM: 7}}
PING = {"type": "ping"}
COMMAND_FRAMES = (SEND, EDIT, DELETE, REACTION, DRAFT, RECEIPT, OPEN, CLOSE, TYPING, SYNC, PING)
SHORTEST = {frame["type"]: frame for frame in COMMAND_FRAMES}

NOT_TEXT = [None, 1, 1.0, True, [], {}, ["hello"]]
NOT_A_NUMBER = ["1", 1.0, 1.5, True, False, -1, LARGEST + 1, 10**400, [], {}, "", "0x1"]
NOT_A_ROOM = ["", "r" * 101, *NOT_TEXT]


def understood(frame: Any) -> Command:
    return decode(json.dumps(frame))


def refusal_of(text: str) -> BadFrame:
    with pytest.raises(BadFrame) as caught:
        decode(text)
    return caught.value


def assert_refused(frame: Any, code: ErrorCode = ErrorCode.BAD_FRAME) -> None:
    assert refusal_of(json.dumps(frame)).code == code


# --- Every command ---


def test_every_command_has_its_shortest_form_here() -> None:
    assert set(SHORTEST) == set(COMMANDS)


@pytest.mark.parametrize("frame", SHORTEST.values(), ids=SHORTEST)
def test_shortest_form_is_understood(frame: dict[str, Any]) -> None:
    command = understood(frame)
    assert type(command) is COMMANDS[frame["type"]]
    assert command.ref is None


@pytest.mark.parametrize("frame", SHORTEST.values(), ids=SHORTEST)
@pytest.mark.parametrize("ref", ["", "7", "r" * 64, "я" * 64])
def test_ref_of_up_to_64_characters_is_kept(frame: dict[str, Any], ref: str) -> None:
    assert understood({**frame, "ref": ref}).ref == ref


@pytest.mark.parametrize("frame", SHORTEST.values(), ids=SHORTEST)
@pytest.mark.parametrize("ref", ["r" * 65, 7, 7.0, True, [], {}])
def test_any_other_ref_is_rejected(frame: dict[str, Any], ref: Any) -> None:
    refused = refusal_of(json.dumps({**frame, "ref": ref}))
    assert refused.code == ErrorCode.BAD_FRAME
    assert refused.ref is None


@pytest.mark.parametrize("frame", SHORTEST.values(), ids=SHORTEST)
@pytest.mark.parametrize("field", ["user", "sender", "seq", "Type", "type ", "__class__", "model_config", ""])
def test_unknown_field_is_rejected(frame: dict[str, Any], field: str) -> None:
    """If unknown fields were ignored, Mallory could hide data that another parser of the frame uses."""
    assert_refused({**frame, field: "mallory"})


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        pytest.param(frame, field, id=f"{kind} {field}")
        for kind, frame in SHORTEST.items()
        for field in frame
        if (kind, field) != ("sync", "rooms")
    ],
)
def test_missing_field_is_rejected(frame: dict[str, Any], field: str) -> None:
    assert_refused({name: value for name, value in frame.items() if name != field})


@pytest.mark.parametrize(
    "kind",
    [
        "message.sent",
        "message.created",
        "frame.push",
        "session.end",
        "websocket.receive",
        "MESSAGE.SEND",
        "ping ",
        "",
    ],
)
def test_unknown_type_has_its_own_error(kind: str) -> None:
    """Also the types of layer messages between our processes: a client cannot send those."""
    refused = refusal_of(json.dumps({"type": kind, "ref": "7", "id": ID}))
    assert (refused.code, refused.ref, refused.message_id) == (ErrorCode.UNKNOWN_TYPE, "7", ID)


@pytest.mark.parametrize("kind", [None, 1, True, [], {}, ["ping"]])
def test_type_that_is_no_text_is_rejected(kind: Any) -> None:
    assert_refused({"type": kind})


# --- message.send ---


def test_send_is_read_whole() -> None:
    command = understood({**SEND, "ref": "7", "reply_to": 41, "attachments": ["a", "b"]})
    assert isinstance(command, MessageSend)
    assert (command.ref, command.room, command.id, command.body) == ("7", ROOM, UUID(ID), "hello")
    assert (command.reply_to, command.attachments) == (41, ["a", "b"])


def test_send_without_reply_and_attachments() -> None:
    command = understood({**SEND, "reply_to": None})
    assert isinstance(command, MessageSend)
    assert (command.reply_to, command.attachments) == (None, [])


FORWARD = {"type": "message.send", "room": ROOM, "id": ID, "forward": {"room": "another", "seq": 7}}


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": None}])
def test_forward_needs_no_body(body: dict[str, Any]) -> None:
    command = understood({**FORWARD, **body})
    assert isinstance(command, MessageSend)
    assert command.forward is not None
    assert (command.forward.room, command.forward.seq, command.body or "") == ("another", 7, "")


@pytest.mark.parametrize(
    "more",
    [
        {"body": "look"},
        {"reply_to": 1},
        {"attachments": ["a"]},
        *[{"forward": {"room": room, "seq": 7}} for room in NOT_A_ROOM],
        *[{"forward": {"room": ROOM, "seq": seq}} for seq in [0, *NOT_A_NUMBER]],
        *[{"forward": forward} for forward in ["7", 7, [], {}, {"room": ROOM}, {"seq": 7}]],
        {"forward": {"room": ROOM, "seq": 7, "user": "bob"}},
    ],
)
def test_any_other_forward_is_rejected(more: dict[str, Any]) -> None:
    assert_refused({**FORWARD, **more})


@pytest.mark.parametrize("body", ["", " ", "x" * 60_000, "Здравствуй", "line\nline\ttab", '"\\/', "🌿"])
def test_the_decoder_accepts_any_text_as_a_body(body: str) -> None:
    command = understood({**SEND, "body": body})
    assert isinstance(command, MessageSend)
    assert command.body == body


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("emoji", value) for value in NOT_TEXT],
        *[("seq", value) for value in [0, *NOT_A_NUMBER]],
        *[("on", value) for value in [0, 1, "true", None]],
    ],
)
def test_any_other_reaction_is_rejected(field: str, value: Any) -> None:
    assert_refused({**REACTION, field: value})


@pytest.mark.parametrize("body", NOT_TEXT)
def test_body_that_is_no_text_is_rejected(body: Any) -> None:
    assert_refused({**SEND, "body": body})


@pytest.mark.parametrize("kind", ["message.send", "receipt.set", "room.open", "room.close", "typing.set"])
@pytest.mark.parametrize("room", NOT_A_ROOM)
def test_room_that_is_no_name_is_rejected(kind: str, room: Any) -> None:
    assert_refused({**SHORTEST[kind], "room": room})


@pytest.mark.parametrize("room", ["x", "r" * 100, "../../etc/passwd", "dm-*"])
def test_the_decoder_accepts_any_short_text_as_a_room(room: str) -> None:
    assert getattr(understood({**OPEN, "room": room}), "room") == room  # noqa: B009


@pytest.mark.parametrize(
    "id", [ID, ID.upper(), "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
def test_usual_form_of_a_uuid_is_an_id(id: str) -> None:
    command = understood({**SEND, "id": id})
    assert isinstance(command, MessageSend)
    assert command.id == UUID(id)


@pytest.mark.parametrize(
    "id",
    [
        ID.replace("-", ""),
        "{" + ID + "}",
        "urn:uuid:" + ID,
        "urn:" + ID.replace("-", ""),
        "----" + ID.replace("-", ""),
        "0x92f0c1-7a3e-7b52-9c41-5d2f8e6a1b70",
        "1_2_f0c1-7a3e-7b52-9c41-5d2f8e6a1b70",
        "\uff11" * 8 + ID[8:],
        ID + "\n",
        ID + "-",
        "{" + ID,
        " " + ID[1:],
        ID[:-1] + "g",
        ID[:-1],
        "",
        *NOT_TEXT,
    ],
)
def test_no_other_spelling_of_a_uuid_is_an_id(id: Any) -> None:
    """One spelling per id: otherwise what a client compares would differ from what the journal stores."""
    refused = refusal_of(json.dumps({**SEND, "id": id}))
    assert (refused.code, refused.message_id) == (ErrorCode.BAD_FRAME, None)


@pytest.mark.parametrize("reply_to", [1, LARGEST])
def test_number_of_a_message_is_a_reply(reply_to: int) -> None:
    command = understood({**SEND, "reply_to": reply_to})
    assert isinstance(command, MessageSend)
    assert command.reply_to == reply_to


@pytest.mark.parametrize("reply_to", [0, *NOT_A_NUMBER])
def test_anything_else_is_no_reply(reply_to: Any) -> None:
    assert_refused({**SEND, "reply_to": reply_to})


@pytest.mark.parametrize("attachments", [None, "a", {}, [1], [None], [["a"]], ["a"] * 11])
def test_attachments_that_are_no_short_list_of_ids_are_rejected(attachments: Any) -> None:
    assert_refused({**SEND, "attachments": attachments})


def test_ten_attachments_are_a_list() -> None:
    assert getattr(understood({**SEND, "attachments": ["a"] * 10}), "attachments") == ["a"] * 10  # noqa: B009


def test_rejected_send_echoes_its_ref_and_id() -> None:
    """So that the client knows which message failed."""
    refused = refusal_of(json.dumps({**SEND, "ref": "7", "body": 1}))
    assert (refused.ref, refused.message_id) == ("7", ID)


# --- receipt.set ---


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"delivered": 0},
        {"read": 3},
        {"delivered": LARGEST, "read": LARGEST},
        {"delivered": 5, "read": None},
    ],
)
def test_receipt_takes_either_position(fields: dict[str, Any]) -> None:
    command = understood({**RECEIPT, **fields})
    assert isinstance(command, ReceiptSet)
    assert (command.delivered, command.read) == (fields.get("delivered"), fields.get("read"))


@pytest.mark.parametrize("field", ["delivered", "read"])
@pytest.mark.parametrize("position", NOT_A_NUMBER)
def test_position_that_is_no_number_is_rejected(field: str, position: Any) -> None:
    assert_refused({**RECEIPT, field: position})


# --- sync ---


@pytest.mark.parametrize("fields", [{}, {"rooms": {}}, {"rooms": {}, "marks": {}}])
def test_empty_sync_requests_the_heads(fields: dict[str, Any]) -> None:
    command = understood({"type": "sync", **fields})
    assert isinstance(command, Sync)
    assert (command.rooms, command.marks) == ({}, {})


def test_sync_reads_cursors_and_marks() -> None:
    command = understood({"type": "sync", "rooms": {ROOM: 0, "b": LARGEST}, "marks": {ROOM: 3, "c": 1}})
    assert isinstance(command, Sync)
    assert (command.rooms, command.marks) == ({ROOM: 0, "b": LARGEST}, {ROOM: 3, "c": 1})


@pytest.mark.parametrize("field", ["rooms", "marks"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        1,
        [[ROOM, 1]],
        {"": 1},
        {"r" * 101: 1},
        *[{ROOM: position} for position in (None, *NOT_A_NUMBER)],
    ],
)
def test_cursor_that_is_no_number_of_a_room_is_rejected(field: str, value: Any) -> None:
    assert_refused({"type": "sync", field: value})


def test_sync_of_a_hundred_rooms_is_accepted() -> None:
    numbers = {f"room-{number}": number for number in range(100)}
    command = understood({"type": "sync", "rooms": numbers, "marks": numbers})
    assert isinstance(command, Sync)
    assert len(command.rooms) == len(command.marks) == 100


@pytest.mark.parametrize(
    "fields",
    [
        {"rooms": {f"room-{number}": 1 for number in range(101)}},
        {"marks": {f"room-{number}": 1 for number in range(101)}},
        {"rooms": {f"room-{number}": 1 for number in range(100)}, "marks": {"one-more": 1}},
    ],
)
def test_sync_of_more_rooms_is_rejected(fields: dict[str, Any]) -> None:
    """Each room costs a page to read, whether `rooms` or `marks` names it."""
    assert_refused({"type": "sync", **fields})


# --- ping ---


@pytest.mark.parametrize("visible", [True, False])
def test_ping_reports_whether_a_tab_is_visible(visible: bool) -> None:
    command = understood({**PING, "visible": visible})
    assert isinstance(command, Ping)
    assert command.visible is visible


@pytest.mark.parametrize("visible", [None, 0, 1, "true", "", [], {}])
def test_visible_that_is_no_boolean_is_rejected(visible: Any) -> None:
    assert_refused({**PING, "visible": visible})


# --- Invalid frames ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ping",
        "null",
        "true",
        "1",
        '"ping"',
        "[]",
        '[{"type":"ping"}]',
        "{}",
        '{"type":"ping"',
        '{"type":"ping"}}',
        '{"type":"ping"}{"type":"ping"}',
        '{"type":"ping"} x',
        "{'type':'ping'}",
        '{type:"ping"}',
        '{"type":"ping",}',
        '{"type":"ping"}//',
        '\ufeff{"type":"ping"}',
        '{"type":"pi\nng"}',
        '{"type":"ping","ref":"\t"}',
        '{"type":"ping","ref":"\\x41"}',
        '{"type":"ping","visible":True}',
        '{"type":"sync","rooms":{"r":01}}',
        '{"type":"sync","rooms":{"r":+1}}',
    ],
)
def test_text_that_is_no_frame_is_rejected(text: str) -> None:
    assert refusal_of(text).code == ErrorCode.BAD_FRAME


def test_white_space_around_a_frame_is_harmless() -> None:
    assert decode(' \t\r\n{ "type" : "ping" } \n') == Ping(type="ping")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"ping","type":"ping"}',
        '{"type":"ping","ref":"1","ref":"1"}',
        '{"type":"sync","rooms":{"r":1,"r":2}}',
        '{"type":"ping","ref":"1","r\\u0065f":"2"}',
        '{"type":"ping","x":[{"a":1,"a":1}]}',
    ],
)
def test_duplicate_key_is_rejected(text: str) -> None:
    """Two parsers of one frame could use different values."""
    assert refusal_of(text).code == ErrorCode.BAD_FRAME


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E3", "-0.0"])
def test_nan_and_infinity_are_rejected(number: str) -> None:
    assert refusal_of(f'{{"type":"sync","rooms":{{"r":{number}}}}}').code == ErrorCode.BAD_FRAME


@pytest.mark.parametrize("digits", [19, 20, 4_000, 4_301, 60_000])
def test_huge_number_is_rejected(digits: int) -> None:
    assert refusal_of(f'{{"type":"sync","rooms":{{"r":{"9" * digits}}}}}').code == ErrorCode.BAD_FRAME


@pytest.mark.parametrize("depth", [1, 3, 4, 5, 100, *range(900, 1_010, 3), 30_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nested_frame_is_rejected_at_any_depth(depth: int, opening: str, closing: str) -> None:
    """Also near the recursion limit, where the parser succeeds but a recursive walk would fail."""
    assert (
        refusal_of('{"type":"ping","x":' + opening * depth + "1" + closing * depth + "}").code
        == ErrorCode.BAD_FRAME
    )
    assert refusal_of(opening * depth).code == ErrorCode.BAD_FRAME


def test_deep_frame_costs_no_more_than_a_flat_one() -> None:
    """Twenty thousand strings below nine hundred levels: none may be passed up through every level."""
    deep: Any = ["text"] * 20_000
    for _ in range(900):
        deep = [deep]
    assert list(strings_in({"x": deep})) == ["x"]


def test_all_strings_of_a_frame_are_checked() -> None:
    assert sorted(strings_in({"a": "b", "c": {"d": ["e", {"f": "g"}]}, "h": 1, "i": None})) == list(
        "abcdefghi"
    )


# --- Characters that cannot be stored ---

PLACES = [
    '{{"type":"message.send","room":"r","id":"{id}","body":"{evil}","ref":"7"}}',
    '{{"type":"message.send","room":"{evil}","id":"{id}","body":"b","ref":"7"}}',
    '{{"type":"message.send","room":"r","id":"{id}","body":"b","ref":"7","attachments":["{evil}"]}}',
    '{{"type":"sync","rooms":{{"{evil}":1}},"id":"{id}","ref":"7"}}',
    '{{"type":"{evil}","id":"{id}","ref":"7"}}',
    '{{"{evil}":1,"type":"ping","id":"{id}","ref":"7"}}',
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "evil", ["\\u0000", "a\\u0000b", "\\ud800", "\\udfff", "\\ude00\\ud83d", "\\ud83d \\ude00", "я\\ud800"]
)
def test_nul_and_lone_surrogates_are_invalid_text_in_any_field(place: str, evil: str) -> None:
    refused = refusal_of(place.format(evil=evil, id=ID))
    assert (refused.code, refused.ref, refused.message_id) == (ErrorCode.INVALID_TEXT, "7", ID)


def test_ref_that_cannot_be_sent_back_is_not_sent_back() -> None:
    refused = refusal_of('{"type":"ping","ref":"\\ud800"}')
    assert (refused.code, refused.ref) == (ErrorCode.INVALID_TEXT, None)


def test_escaped_pair_of_surrogates_is_one_character() -> None:
    command = decode('{"type":"ping","ref":"\\ud83c\\udf3f"}')
    assert command.ref == "🌿"


# --- Properties ---

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
room_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100
)
numbers = st.integers(0, LARGEST)
refs = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=64)
maps = st.dictionaries(room_texts, numbers, max_size=6)
commands = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("message.send"), "room": room_texts, "id": st.uuids().map(str), "body": texts},
        optional={
            "ref": refs,
            "reply_to": st.none() | st.integers(1, LARGEST),
            "attachments": st.lists(texts, max_size=10),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("receipt.set"), "room": room_texts},
        optional={"ref": refs, "delivered": numbers, "read": numbers},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["room.open", "room.close"]), "room": room_texts}, optional={"ref": refs}
    ),
    st.fixed_dictionaries(
        {"type": st.just("typing.set"), "room": room_texts, "on": st.booleans()}, optional={"ref": refs}
    ),
    st.fixed_dictionaries({"type": st.just("sync")}, optional={"ref": refs, "rooms": maps, "marks": maps}),
    st.fixed_dictionaries({"type": st.just("ping")}, optional={"ref": refs, "visible": st.booleans()}),
)


def decode_or_refuse(text: str) -> None:
    try:
        decode(text)
    except BadFrame as reason:
        refused = reason
    else:
        return
    assert refused.code in {ErrorCode.BAD_FRAME, ErrorCode.UNKNOWN_TYPE, ErrorCode.INVALID_TEXT}
    assert refused.ref is None or refused.ref.encode() is not None


@given(st.text())
def test_any_text_is_a_command_or_a_named_error(text: str) -> None:
    decode_or_refuse(text)


@given(st.binary())
def test_any_bytes_decoded_as_text_are_a_command_or_a_named_error(raw: bytes) -> None:
    decode_or_refuse(raw.decode("utf-8", "replace"))
    decode_or_refuse(raw.decode("latin-1"))


@given(json_values)
def test_any_json_is_a_command_or_a_named_error(value: Any) -> None:
    decode_or_refuse(json.dumps(value))


@given(
    st.sampled_from(list(SHORTEST.values())),
    st.sampled_from(["type", "ref", "room", "id", "body", "reply_to", "rooms", "visible"]),
    json_values,
)
def test_any_value_in_any_field_is_a_command_or_a_named_error(
    frame: dict[str, Any], field: str, value: Any
) -> None:
    decode_or_refuse(json.dumps({**frame, field: value}))


@given(commands, st.booleans())
def test_valid_command_keeps_all_its_values(frame: dict[str, Any], ascii_only: bool) -> None:
    command = decode(json.dumps(frame, ensure_ascii=ascii_only))
    assert json.loads(command.model_dump_json(exclude_unset=True)) == frame
    assert decode(command.model_dump_json()) == command


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{{"type": "message.send", "ref": "r1", "id": "{ID}", "body": "x"}}', ("r1", ID)),
        (f'{{"body": "x", "id" :\n"{ID.upper()}"}}', (None, ID)),
        ('{"ref": "' + "r" * 65 + '"}', (None, None)),
        ('{"ref": "a\\u0041", "id": 7}', (None, None)),
        (r'{"body": "\"id\": \"' + ID + r'\", \"ref\": \"not mine\""}', (None, None)),
        ("no frame at all", (None, None)),
    ],
)
def test_ref_and_id_of_an_oversized_frame_are_found_by_pattern(
    text: str, found: tuple[str | None, str | None]
) -> None:
    assert peek_ids(text) == found
