"""Room names: the same from either side, of one width, revealing no id."""

import hashlib
import re
from collections.abc import Iterable
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conversations.rooms import ROOM_NAME_PATTERN, room_name, session_group, user_group

KEY = b"golden-room-name-key-0123456789ab"
LARGEST = 2**63 - 1
ids = st.integers(1, LARGEST) | st.integers(1, 300)
keys = st.binary(min_size=1, max_size=100)
short_keys = st.binary(min_size=1, max_size=64)
GROUP_NAME = re.compile(r"[a-zA-Z\d\-_.]{1,99}")


def by_hand(low: int, high: int, key: bytes) -> str:
    """The name once more, from the text of the protocol: HMAC by RFC 2104, base32 by the table of RFC
    4648."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    message = b"dm/1\0" + low.to_bytes(8, "big") + high.to_bytes(8, "big")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    digest = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()[:20]
    number = int.from_bytes(digest, "big")
    return "dm-" + "".join(
        "abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in range(155, -1, -5)
    )


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        (1, 2, "dm-2q2qkl6mbgzduynrdakhqabbq6m3r65w"),
        (12, 23, "dm-zadmsl4e6o4kzt7sxb3ewi66mdh4xlg7"),
    ],
)
def test_name_is_what_openssl_makes_of_the_same_bytes(one: int, other: int, name: str) -> None:
    """`openssl dgst -sha256 -hmac KEY -binary | head -c 20 | base32`, fed by printf with the
    21 bytes, in lower case."""
    assert room_name(one, other, key=KEY) == name


@given(ids, ids, keys)
def test_name_is_what_the_contract_says_in_words(one: int, other: int, key: bytes) -> None:
    assume(one != other)
    assert room_name(one, other, key=key) == by_hand(min(one, other), max(one, other), key)


@given(ids, ids)
def test_both_come_to_the_same_room(alice: int, bob: int) -> None:
    assume(alice != bob)
    assert room_name(alice, bob, key=KEY) == room_name(bob, alice, key=KEY)


@given(ids, ids, keys)
def test_name_is_35_characters_fit_for_addresses_and_groups(one: int, other: int, key: bytes) -> None:
    assume(one != other)
    name = room_name(one, other, key=key)
    assert len(name) == 35
    assert re.fullmatch(ROOM_NAME_PATTERN, name)
    assert GROUP_NAME.fullmatch(name)


def pairs() -> Iterable[tuple[int, int]]:
    """Neighbours, powers, and ids whose digits or bytes run together: 1 and 23 beside 12 and 3."""
    yield from combinations(range(1, 130), 2)
    edges = sorted(
        {base**power + shift for base in (2, 10, 256) for power in range(1, 19) for shift in (-1, 0, 1)} - {1}
    )
    yield from combinations([number for number in edges if number <= LARGEST and number >= 130], 2)


def test_no_two_pairs_share_a_room() -> None:
    every = list(pairs())
    assert len({room_name(one, other, key=KEY) for one, other in every}) == len(every) > 10_000


def test_one_and_twenty_three_never_meet_twelve_and_three() -> None:
    assert room_name(1, 23, key=KEY) != room_name(12, 3, key=KEY)


@given(ids, ids, short_keys, short_keys)
def test_name_needs_the_key(one: int, other: int, key: bytes, other_key: bytes) -> None:
    """An attacker who guesses two ids still cannot guess their room."""
    assume(one != other)
    assume(key.rstrip(b"\0") != other_key.rstrip(b"\0"))
    assert room_name(one, other, key=key) != room_name(one, other, key=other_key)


def test_name_tells_neither_id() -> None:
    assert not re.search(r"1234567|7654321", room_name(1_234_567, 7_654_321, key=KEY))


@given(ids)
def test_a_user_has_no_room_alone(alice: int) -> None:
    with pytest.raises(ValueError, match="two different people"):
        room_name(alice, alice, key=KEY)


@pytest.mark.parametrize("stranger", [0, -1, LARGEST + 1, 2**64, 10**30])
@pytest.mark.parametrize("alice", [1, LARGEST])
def test_what_is_no_user_id_is_refused(alice: int, stranger: int) -> None:
    for pair in ((alice, stranger), (stranger, alice)):
        with pytest.raises(ValueError, match="positive 64-bit"):
            room_name(*pair, key=KEY)


# --- Groups of the channel layer ---


@given(ids)
def test_group_of_a_person_is_a_legal_name(alice: int) -> None:
    assert GROUP_NAME.fullmatch(user_group(alice))


@given(st.text(min_size=1))
def test_group_of_a_session_is_a_legal_name_and_hides_the_key(session_key: str) -> None:
    """An attacker who reads Redis must not be able to take over a session."""
    assume(session_key.encode("utf-8", "replace").decode() == session_key)
    group = session_group(session_key)
    assert GROUP_NAME.fullmatch(group)
    assert len(session_key) < 8 or session_key not in group


def test_groups_of_people_sessions_and_rooms_never_meet() -> None:
    names = [
        user_group(1),
        user_group(11),
        session_group("1"),
        session_group("11"),
        room_name(1, 11, key=KEY),
    ]
    assert len({name.split(".")[0].split("-")[0] for name in names}) == 3
    assert len(set(names)) == len(names)
