"""Opaque pagination cursors: a list position, encrypted and authenticated with a key derived from SECRET_KEY.

A readable cursor would reveal row ids (and so the number of conversations and users); a forgeable one could
probe for users who are not in the list. Each cursor is bound to its list and its user.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
MAX_CHARS = 2_000
"""The longest cursor that we make has about 1,300 characters."""


class BadCursor(ValueError):
    """Not a cursor of this list and this user."""


def cursor_write(values: list[Any], *, name: str, user_id: int) -> str:
    """`values` must be serializable as JSON; `name` is the name of the list."""
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(derive_key(settings.SECRET_KEY)).encrypt(
        nonce, json.dumps(values).encode(), associated_data(name, user_id)
    )
    return base64.urlsafe_b64encode(nonce + ciphertext).decode("ascii").rstrip("=")


def cursor_read(cursor: str, *, name: str, user_id: int) -> list[Any]:
    """Raises BadCursor."""
    if len(cursor) > MAX_CHARS or not cursor.isascii():
        raise BadCursor("not a cursor")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadCursor("not a cursor") from None
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            values: list[Any] = json.loads(
                AESGCM(derive_key(key)).decrypt(
                    raw[:NONCE_BYTES], raw[NONCE_BYTES:], associated_data(name, user_id)
                )
            )
        except (InvalidTag, ValueError):
            continue
        return values
    raise BadCursor("not a cursor")


def derive_key(secret: str) -> bytes:
    return hashlib.sha256(b"entre list cursor/1\0" + secret.encode()).digest()


def associated_data(name: str, user_id: int) -> bytes:
    return f"{name}/{user_id}".encode()
