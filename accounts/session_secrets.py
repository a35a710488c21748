"""Session secrets, to which sessions are bound: renewed with the password, kept when its hash is upgraded.

Django binds sessions to the password hash itself, so that a hash upgrade would log out every other device
(docs/adr/0013).
"""

import secrets
from hashlib import sha256


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def bind(password_hash: str, secret: str) -> str:
    """Binds the secret to this hash. If other code sets a password, the binding and all sessions are void."""
    return f"{digest_of(password_hash)}${secret}"


def secret_of(password_hash: str, binding: str) -> str:
    """The bound secret; the hash itself for accounts without a binding, from before there were bindings."""
    digest, _, secret = binding.partition("$")
    return secret if secret and digest == digest_of(password_hash) else password_hash


def digest_of(password_hash: str) -> str:
    return sha256(password_hash.encode()).hexdigest()
