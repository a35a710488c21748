"""Idempotency: a fingerprint tells a repeat from a conflict, even after the text has changed (P2)."""

import hashlib
import hmac
import json
from functools import lru_cache

from django.conf import settings

SIZE = 16
ENCODER = json.JSONEncoder(ensure_ascii=False)


def fingerprints(body: str, reply_to: int | None, attachments: tuple[str, ...]) -> list[bytes]:
    """Digests of what was sent: the first under the current key, the rest under earlier keys.

    Keyed, so that a reader of a backup cannot test guesses of a deleted text.
    """
    content = ENCODER.encode([body, reply_to, attachments]).encode()
    return [digest(content, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def digest(content: bytes, key: str) -> bytes:
    return hmac.digest(own_key(key), content, "sha256")[:SIZE]


@lru_cache(maxsize=16)
def own_key(key: str) -> bytes:
    return hashlib.sha256(b"message fingerprint\0" + key.encode()).digest()
