"""Tells a repeat from a conflict, also after the text of the message has changed (protocol.md P2)."""

import hashlib
import hmac
import json

from django.conf import settings

SIZE = 16


def fingerprints(body: str, reply_to: int | None, attachments: tuple[str, ...]) -> list[bytes]:
    """Digests of what was sent: the first under the key of today, the rest under earlier keys.

    Keyed, so that whoever reads a backup cannot test guesses of a deleted text.
    """
    content = json.dumps([body, reply_to, attachments], ensure_ascii=False).encode()
    return [digest(content, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def digest(content: bytes, key: str) -> bytes:
    own_key = hashlib.sha256(b"message fingerprint\0" + key.encode()).digest()
    return hmac.new(own_key, content, hashlib.sha256).digest()[:SIZE]
