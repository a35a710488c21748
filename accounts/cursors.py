"""Opaque list cursors: the place in a list, encrypted and authenticated with a key derived from SECRET_KEY.

A readable cursor told row ids (how many conversations and people there are in all), and one that anybody could make up asked questions
about people who do not show in the list. Bound to the list and to the person it was made for.
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
LONGEST = 2_000
"""Characters. The longest one that we make has about 1,300."""


class BadCursor(ValueError):
    """Not a cursor of this list and this person."""


def cursor_write(values: list[Any], *, name: str, user_id: int) -> str:
    """`values` are whatever JSON can hold; `name` is the list's."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key_of(settings.SECRET_KEY)).encrypt(
        nonce, json.dumps(values).encode(), bound_to(name, user_id)
    )
    return base64.urlsafe_b64encode(nonce + sealed).decode("ascii").rstrip("=")


def cursor_read(cursor: str, *, name: str, user_id: int) -> list[Any]:
    """Raises BadCursor."""
    if len(cursor) > LONGEST or not cursor.isascii():
        raise BadCursor("not a cursor")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadCursor("not a cursor") from None
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            values: list[Any] = json.loads(
                AESGCM(key_of(key)).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to(name, user_id))
            )
        except (InvalidTag, ValueError):
            continue
        return values
    raise BadCursor("not a cursor")


def key_of(secret: str) -> bytes:
    return hashlib.sha256(b"entre list cursor/1\0" + secret.encode()).digest()


def bound_to(name: str, user_id: int) -> bytes:
    return f"{name}/{user_id}".encode()
