"""The only place where a room or a group gets its name. Pure: no Django, no database, no permission.

A name is an address. Every use of it still goes through the participant check of `access`.
"""

import base64
import hashlib
import hmac

DOMAIN = b"dm/1\0"
DIGEST_BYTES = 20
ROOM_NAME_PATTERN = r"dm-[a-z2-7]{32}"
EVERY_SOCKET = ""
"""No room: what a frame names that is about none. Sockets that are filtered to one room get it, too."""


def room_name(user_a: int, user_b: int, *, key: bytes) -> str:
    """The address of a pair's conversation: "dm-" and 32 letters, the same in either order (protocol.md 2).

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
    """The layer group of every socket of one person."""
    return f"user.{user_id}"


def watch_group(user_id: int) -> str:
    """The layer group of sockets of others that show a room with this person."""
    return f"watch.{user_id}"


def session_group(session_key: str) -> str:
    """The layer group of every socket of one session. Hashed: the key itself must not pass through Redis."""
    return "session." + hashlib.sha256(session_key.encode()).hexdigest()[:32]
