"""Finds addresses in the body of a message.

The twin of static/js/lib/links.js; tests/golden/links.json holds both. Only http, https and mailto.
What reads as one host and opens another is no link, or shows the host in ASCII.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import idna

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1100-\u11ff\u1780-\u17f9\u19e0-\u19ff"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u3099-\u30ff\u3131-\u318e"
    "\u3190-\u319f\u31c0-\u321e\u3220-\u3247\u3260-\u327e\u3280-\u33fe\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c"
    "\ua9e0-\ua9fe\uaa60-\uaa7f\uac00-\ud7a3\ud7b0-\ud7fb\uf900-\ufad9\uff66-\uffdc\U00016ff0-\U00016ff6"
    "\U0001b000-\U0001b168\U00020000-\U00033479"
)
"""Letters of scripts without spaces between words (Han, Kana, Hangul, Thai, Lao, Khmer, Burmese): an address
may follow them, or be followed by them, at once."""
SPACE = "\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript calls white space, as the inside of a character class."""

# Addresses end at white space, control and bidi characters, invisible characters, quotation marks, and
# punctuation of scripts that put no space after it. Apostrophes, commas and ASCII brackets may stand inside.
ENDS = (
    SPACE + r'\x00-\x1f\x7f-\x9f<>"`\\' + "\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2069\u2800\u3164\uffa0"
    "\u00ab\u00bb\u2014\u201c-\u201f\u2039\u203a"
    "\u0589\u060c\u061b\u061f\u06d4\u0964\u0965\u0f0d\u0f0e\u104a\u104b\u1362-\u1368\u17d4\u17d5"
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe10-\ufe19\ufe30-\ufe4f"
    "\uff01\uff02\uff07-\uff09\uff0c\uff0e\uff1a\uff1b\uff1c\uff1e\uff1f\uff3b\uff3d\uff5b\uff5d\uff5f-\uff64"
)
LETTER = r"[^\W_]"
LABEL = rf"(?:{LETTER}|-){{1,63}}"
FOUND = re.compile(
    rf"(?:(?:(?<!{LETTER})|(?<=[{UNSPACED}]))(?:https?://|mailto:)"
    rf"|(?:(?<![\w@./-])|(?<=[{UNSPACED}]))www\.)[^{ENDS}]+"
    rf"|(?P<email>(?<![\w.%+@/-])[\w.%+-]{{1,64}}@{LABEL}(?:\.{LABEL}){{1,8}}(?![\w@-]))",
    re.IGNORECASE,
)
CANDIDATE = re.compile(r"://|mailto:|www\.|@", re.IGNORECASE)
"""Few texts have one of these; only they are searched closely."""
UNSPACED_CHAR = re.compile(f"[{UNSPACED}]")
GLUED = re.compile(rf"((?:https?://)?[^/?#]*\.[a-z]{{2,}}(?::[0-9]+)?)[{UNSPACED}]", re.IGNORECASE)
LONGEST = 2_048
TAIL = frozenset(".,;:!?'’…|–")
OPENING = {")": "(", "]": "[", "}": "{"}
MARKUP = frozenset("*_~")
SCRIPTS = frozenset(
    ["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "HEBREW", "ARABIC"]
)
WEB_SCHEME = re.compile(r"https?://", re.IGNORECASE)
MAIL_SCHEME = re.compile("mailto:", re.IGNORECASE)
PORT = re.compile(r":([0-9]{1,5})(?![0-9])")
NUMBER_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
DEFAULT_PORTS = {"http": 80, "https": 443}
LARGEST_PORT = 65_535
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Address:
    """A link. `typed` is body[start:end]; `text` is shown, and differs where the host is shown in ASCII."""

    start: int
    end: int
    typed: str
    text: str
    href: str


def links_in(body: str) -> list[Address]:
    """Returns the links in order. Linear time: an address of more than LONGEST characters is none."""
    if not CANDIDATE.search(body):
        return []
    return [
        Address(start, start + len(typed), typed, text, href)
        for start, found in candidates(body)
        if (made := link(trimmed(found, body[start - 1 : start])))
        for typed, text, href in [made]
    ]


def candidates(body: str) -> Iterator[tuple[int, str]]:
    at = 0
    while match := FOUND.search(body, at):
        start, end = match.span()
        before, after = body[start - 1 : start], body[end : end + 1]
        is_email = match["email"] is not None
        # A combining mark belongs to the word before. `re` has no class for them.
        is_joined = is_mark(before) and (is_email or not UNSPACED_CHAR.match(before))
        if is_joined or (is_email and is_mark(after)):
            at = start + 1
            continue
        at = end
        if end - start <= LONGEST:
            yield start, match[0]


def is_mark(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] == "M"


def trimmed(address: str, before: str) -> str:
    """ "(see https://a.example/x)." ends before the bracket and the full stop; "/wiki/A_(b)" keeps its own.

    "*", "_" and "~" belong to the address unless the same sign stands right before it, as markup.
    """
    surplus = {close: address.count(close) - address.count(opening) for close, opening in OPENING.items()}
    end = len(address)
    for last in reversed(address):
        if last in surplus:
            surplus[last] -= 1
        is_surplus = last in surplus and surplus[last] >= 0
        if not (last in TAIL or (last == before and last in MARKUP) or is_surplus):
            break
        end -= 1
    return address[:end]


Made = tuple[str, str, str]


def link(address: str) -> Made | None:
    """Returns (typed, shown text, href)."""
    is_web = WEB_SCHEME.match(address) or address[:4].lower() == "www."
    if MAIL_SCHEME.match(address) or ("@" in address and not is_web):
        return mail_link(address)
    return web_link(address)


def mail_link(address: str) -> Made | None:
    scheme = MAIL_SCHEME.match(address)
    path, query_sign, query = address[scheme.end() if scheme else 0 :].partition("?")
    local, _, host = path.partition("@")
    name, dot, last = host.rpartition(".")
    is_host = name and dot and last and all(map(is_host_char, name)) and all(map(is_label_char, last))
    if not local or not is_host or is_forged(host):
        return None
    path_text = encoded(path, "")
    # A fragment begins in the path or in the query; what it may hold is the same.
    return address, address, f"mailto:{path_text}{query_sign}{encoded(query, '')}"


def is_host_char(char: str) -> bool:
    return char in ".-" or is_label_char(char) or is_mark(char)


def is_label_char(char: str) -> bool:
    return char == "-" or char.isalnum()


def web_link(address: str) -> Made | None:
    scheme = WEB_SCHEME.match(address)
    # "https://bank.example@evil.example" reads as one host and opens another.
    if "@" in re.split("[/?#]", address[scheme.end() if scheme else 0 :], maxsplit=1)[0]:
        return None
    glued = GLUED.match(address)
    whole = glued[1] if glued else address
    start = scheme.end() if scheme else 0
    end = host_end(whole, start)
    if end == start:
        return None
    host = whole[start:end]
    port = PORT.match(whole, end)
    found_end = port.end() if port else end
    # "https://a.example's" ends where the host does.
    is_whole = found_end == len(whole) or whole[found_end] in "/?#"
    typed = whole if is_whole else whole[:found_end].rstrip(".-")
    if len(typed) < end:
        host = typed[start:]
    made = web_href(typed, start, host)
    if made is None:
        return None
    href, ascii_host = made
    return typed, (typed.replace(host, ascii_host, 1) if is_forged(host) else typed), href


def host_end(text: str, start: int) -> int:
    """Where the host that begins at `start` ends: a name, or an IPv6 address in brackets."""
    if text.startswith("[", start):
        close = text.find("]", start)
        return (
            close + 1
            if close > start + 1 and re.fullmatch("[0-9a-fA-F:.]+", text[start + 1 : close])
            else start
        )
    end = start
    while end < len(text) and (text[end] in JOINERS + "_" or is_host_char(text[end])):
        end += 1
    return end


def web_href(typed: str, start: int, host: str) -> tuple[str, str] | None:
    """The URL as a browser writes it, and its host in ASCII; None if it would open another host than shown.

    "https://1.1" and "http://0x7f.1" would. A single word is a host only with a port ("http://nas:5000").
    """
    scheme = typed[:start].rstrip("/").rstrip(":").lower() or "https"
    host_end_at = start + len(host)
    port = PORT.match(typed, host_end_at)
    number = int(port[1]) if port else None
    if number is not None and number > LARGEST_PORT:
        return None
    ascii_host = ascii_form(host, has_port=port is not None)
    if ascii_host is None:
        return None
    rest = typed[port.end() if port else host_end_at :]
    shown_port = "" if number is None or number == DEFAULT_PORTS[scheme] else f":{number}"
    return f"{scheme}://{ascii_host}{shown_port}{encoded_rest(rest)}", ascii_host


def ascii_form(host: str, *, has_port: bool) -> str | None:
    """The host as the URL has it. None for one that a browser would refuse or read as another."""
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    try:
        name = ".".join(label.lower() if label.isascii() else ascii_label(label) for label in host.split("."))
    except idna.IDNAError:
        return None
    labels = name.removesuffix(".").split(".")
    if NUMBER_LABEL.fullmatch(labels[-1]):
        return name if name == host and is_ipv4(name) else None
    is_plain = has_port or name == "localhost" or (len(labels) > 1 and all(labels))
    return name if is_plain and any(labels) else None


def ascii_label(label: str) -> str:
    return idna.encode(label, uts46=True, std3_rules=False).decode()


def is_ipv4(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def encoded_rest(rest: str) -> str:
    """Path, query and fragment, percent-encoded; the path without its dot segments."""
    before_fragment, hash_sign, fragment = rest.partition("#")
    path, query_sign, query = before_fragment.partition("?")
    shown_path, shown_query = without_dots(encoded(path, "{}^")), encoded(query, "'")
    return f"{shown_path}{query_sign}{shown_query}{hash_sign}{encoded(fragment, '')}"


def without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for index, segment in enumerate(segments):
        name = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        is_last = index == len(segments) - 1
        if name == "..":
            del kept[-1:]
        elif name != ".":
            kept.append(segment)
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)


def encoded(text: str, also: str) -> str:
    """Percent-encodes what is not ASCII, and the characters of `also`. An existing "%" stays."""
    return "".join(
        char if char.isascii() and char not in also else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in text
    )


def is_forged(host: str) -> bool:
    """Latin and Cyrillic in one host name is how "аpple.com" is forged."""
    scripts = {script for char in host if (script := script_of(char))}
    return any(joiner in host for joiner in JOINERS) or len(scripts) > 1


def script_of(char: str) -> str | None:
    if char.isascii():
        return "LATIN" if char.isalpha() else None
    return next((word for word in unicodedata.name(char, "").split() if word in SCRIPTS), None)
