"""Names of rooms and channel-layer groups. Plain Python: no Django, no database.

A name is an address and grants nothing. Every use of it still goes through `access`.
"""

import base64
import hashlib
import hmac

DOMAIN = b"dm/1\0"
DIGEST_BYTES = 20
ROOM_NAME_PATTERN = r"dm-[a-z2-7]{32}"
EVERY_SOCKET = ""
"""The room of frames that concern no room. Sockets that are filtered to one room receive them, too."""


def room_name(user_a: int, user_b: int, *, key: bytes) -> str:
    """The address of a pair's conversation: "dm-" and 32 letters, the same in either order (docs/protocol.md
    2).

    Fixed width keeps 1 and 23 away from 12 and 3; the key keeps the ids secret.

    Raises:
        ValueError: for a conversation with oneself, or an id that is no positive 64-bit number.
    """
    low, high = sorted((user_a, user_b))
    if low == high:
        raise ValueError("a conversation needs two different people")
    if not 0 < low < high < 2**63:
        raise ValueError("user ids are positive 64-bit numbers")
    pair = DOMAIN + low.to_bytes(8, "big") + high.to_bytes(8, "big")
    digest = hmac.new(key, pair, hashlib.sha256).digest()[:DIGEST_BYTES]
    return "dm-" + base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def user_group(user_id: int) -> str:
    """The group of every socket of one user."""
    return f"user.{user_id}"


def watch_group(user_id: int) -> str:
    """The group of the sockets of others that have a room with this user open."""
    return f"watch.{user_id}"


def session_group(session_key: str) -> str:
    """The group of every socket of one session. Hashed: the session key must not pass through Redis."""
    return "session." + hashlib.sha256(session_key.encode()).hexdigest()[:32]
