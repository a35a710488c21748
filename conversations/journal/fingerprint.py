"""Idempotency: a fingerprint tells a repeat from a conflict, even after the text has changed (P2)."""

import hashlib
import hmac
import json
from functools import lru_cache

from django.conf import settings

SIZE = 16
ENCODER = json.JSONEncoder(ensure_ascii=False)


def fingerprints(
    body: str, reply_to: int | None, attachments: tuple[str, ...], forward: tuple[str, int] | None = None
) -> list[bytes]:
    """Digests of what was sent: the first under the current key, the rest under earlier keys.

    Keyed, so that a reader of a backup cannot test guesses of a deleted text. Of a forwarded message, the
    place it was copied from counts, not the text: a repeat stays one after the source was edited or deleted.
    """
    sent = [body, reply_to, attachments] if forward is None else [body, reply_to, attachments, forward]
    content = ENCODER.encode(sent).encode()
    return [digest(content, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def digest(content: bytes, key: str) -> bytes:
    return hmac.digest(own_key(key), content, "sha256")[:SIZE]


@lru_cache(maxsize=16)
def own_key(key: str) -> bytes:
    return hashlib.sha256(b"message fingerprint\0" + key.encode()).digest()
