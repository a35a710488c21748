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
DIGIT_READS = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
"""The letters for which a digit may be taken. "1" is the only one with two: hence no single folding tells look-alikes (see looks_like)."""
PAIRS = (("rn", "m"), ("vv", "w"))
"""Two letters that melt into one."""
COARSE = str.maketrans({**{digit: letters[-1] for digit, letters in DIGIT_READS.items()}, "i": "l"})
HOST = re.compile(r"\Awww\d*\.")


def normalize_username(typed: str) -> str:
    """The handle somebody meant: without the sign that pages show before it, in small letters.

    Letters of other scripts stay as they are and are refused later; some of them would turn into Latin ones when lowered ("K", U+212A).
    """
    bare = typed.strip().removeprefix("@")
    return bare.lower() if bare.isascii() else bare


def is_reserved(username: str, *more: str) -> bool:
    """Could it be taken for a role ("adm1n", "support_", "a.d.m.i.n", "root7"), or for a web address? `more` adds words, such as the site's name.

    Only what looks alike is refused: "mali", "mall" and "apl" are names.
    """
    candidates = {username, username.rstrip("0123456789._-")} - {""}
    return bool(HOST.match(username)) or any(
        looks_like(one, word) for one in candidates for word in (*RESERVED, *more)
    )


def looks_like(one: str, other: str) -> bool:
    """Does the eye take the two for the same: equal but for separators, digits for the letters they imitate, and letters that melt?"""
    shapes = [melted(one), melted(other)]
    return "" not in shapes and len(shapes[0]) == len(shapes[1]) and all(map(is_alike, *shapes))


def is_alike(one: str, other: str) -> bool:
    return one == other or other in DIGIT_READS.get(one, "") or one in DIGIT_READS.get(other, "")


def melted(username: str) -> str:
    """Without separators, and pairs as the letter they look like."""
    bare = re.sub(r"[^a-z0-9]", "", username.lower())
    for pair, letter in PAIRS:
        bare = bare.replace(pair, letter)
    return bare


def skeleton(username: str) -> str:
    """Equal for all handles that look alike, and for some that do not ("mali", "mall"): what is stored, to find the few to compare with."""
    return melted(username).translate(COARSE)
