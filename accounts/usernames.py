"""PURE. What a handle may be: plain letters, and none that could be taken for the people who run the server.

Knows no database; whether a handle is free is asked elsewhere.
"""

import re

# fmt: off
RESERVED = frozenset({
    "abuse", "account", "accounts", "admin", "administrator", "anonymous", "api", "billing", "bot", "chat", "chats",
    "contact", "deleted", "deleteduser", "entre", "everybody", "everyone", "guest", "help", "helpdesk", "host",
    "hostmaster", "info", "invite", "invites", "login", "logout", "mail", "mailerdaemon", "me", "mod", "moderator",
    "nobody", "none", "noreply", "null", "official", "operator", "owner", "people", "postmaster", "private", "root",
    "security", "self", "server", "service", "settings", "signup", "staff", "superuser", "support", "sysadmin", "sysop",
    "system", "undefined", "user", "users", "webmaster",
})
# fmt: on
HANDLE = r"\A[a-z0-9][a-z0-9._-]*\Z"
LOOK_ALIKES = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"})


def tidy_username(typed: str) -> str:
    """The handle somebody meant: without the sign that pages show before it, in small letters.

    Letters of other scripts stay as they are and are refused later; some of them would turn into Latin ones when lowered ("K", U+212A).
    """
    bare = typed.strip().removeprefix("@")
    return bare.lower() if bare.isascii() else bare


def is_reserved(username: str, *more: str) -> bool:
    """Could it be taken for a role ("adm1n", "support_", "a.d.m.i.n", "root7")? `more` adds words, such as the site's name."""
    words = {skeleton(word) for word in (*RESERVED, *more) if word}
    return skeleton(username) in words or skeleton(username.rstrip("0123456789._-")) in words


def skeleton(username: str) -> str:
    """What the eye keeps of a handle: separators gone, digits read as the letters they imitate."""
    return re.sub(r"[^a-z0-9]", "", username.lower()).translate(LOOK_ALIKES)
