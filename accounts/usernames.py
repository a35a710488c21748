"""PURE. Usernames: allowed characters, reserved words, look-alikes (confusables).

Knows no database; whether a username is available is decided by selectors.
"""

import re

# fmt: off
RESERVED = frozenset({
    "abuse", "account", "accounts", "admin", "administrator", "anonymous", "api", "billing", "bot", "chat",
    "chats", "contact", "deleted", "deleteduser", "entre", "everybody", "everyone", "guest", "help",
    "helpdesk", "host", "hostmaster", "info", "invite", "invites", "login", "logout", "mail",
    "mailerdaemon", "me", "mod", "moderator", "nobody", "none", "noreply", "null", "official", "operator",
    "owner", "people", "postmaster", "private", "root", "security", "self", "server", "service", "settings",
    "signup", "staff", "superuser", "support", "sysadmin", "sysop", "system", "undefined", "user", "users",
    "webmaster",
})
# fmt: on
HANDLE = r"\A[a-z0-9][a-z0-9._-]*\Z"
DIGIT_READS = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
"""Letters that a digit can imitate. "1" imitates two, so a single folding is not enough (see looks_like)."""
PAIRS = (("rn", "m"), ("vv", "w"))
"""Pairs of letters that look like one letter."""
COARSE = str.maketrans({**{digit: letters[-1] for digit, letters in DIGIT_READS.items()}, "i": "l"})
HOST = re.compile(r"\Awww\d*\.")


def normalize_username(typed: str) -> str:
    """The typed username without @, in lower case.

    Non-ASCII input stays as it is and is rejected later: lower-casing turns some characters into ASCII
    (U+212A "K").
    """
    bare = typed.strip().removeprefix("@")
    return bare.lower() if bare.isascii() else bare


def is_reserved(username: str, *more: str) -> bool:
    """Could it be mistaken for a role ("adm1n", "support_", "a.d.m.i.n", "root7") or a web address?

    `more` adds words, such as the site's name. Only look-alikes are reserved: "mali", "mall" and "apl" are
    valid.
    """
    candidates = {username, username.rstrip("0123456789._-")} - {""}
    return bool(HOST.match(username)) or any(
        looks_like(one, word) for one in candidates for word in (*RESERVED, *more)
    )


def looks_like(one: str, other: str) -> bool:
    """Are the two equal apart from separators, digits for the letters they imitate, and PAIRS?"""
    shapes = [without_confusables(one), without_confusables(other)]
    return "" not in shapes and len(shapes[0]) == len(shapes[1]) and all(map(is_alike, *shapes))


def is_alike(one: str, other: str) -> bool:
    return one == other or other in DIGIT_READS.get(one, "") or one in DIGIT_READS.get(other, "")


def without_confusables(username: str) -> str:
    """Without separators, and with PAIRS replaced by the letter they look like."""
    bare = re.sub(r"[^a-z0-9]", "", username.lower())
    for pair, letter in PAIRS:
        bare = bare.replace(pair, letter)
    return bare


def skeleton(username: str) -> str:
    """Index key of candidates for looks_like: equal for look-alikes and a few others ("mali", "mall")."""
    return without_confusables(username).translate(COARSE)
