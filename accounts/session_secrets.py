"""What an account's sessions are bound to: a secret that is another one with each new password, and the same for another hash of the same one.

Django binds sessions to the password's hash itself, so that a hash with other parameters would log out every other device (docs/adr/0013).
"""

import secrets
from hashlib import sha256


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def bind(password_hash: str, secret: str) -> str:
    """Valid together with this very hash. A password that is set past all our code ends sessions, too."""
    return f"{mark_of(password_hash)}${secret}"


def secret_of(password_hash: str, binding: str) -> str:
    """The hash itself where nothing is bound to it, as in accounts from before there were bindings."""
    mark, _, secret = binding.partition("$")
    return secret if secret and mark == mark_of(password_hash) else password_hash


def mark_of(password_hash: str) -> str:
    return sha256(password_hash.encode()).hexdigest()
