"""What is judged of a request's head before anything parses it: lengths of header values, and the form of the request target.

Plain functions over bytes. Parsers behind us (Django's, the standard library's) read some values by the square of their length.
"""

import re

MOST_BYTES = {
    # A boundary has 70 characters at most. Django parses the parameters of this one on the event loop, by the square of its length.
    b"content-type": 256,
    # More than 4,300 digits are a ValueError in Python, and a traceback in the log.
    b"content-length": 19,
    b"transfer-encoding": 64,
    b"expect": 64,
    b"connection": 256,
    b"upgrade": 256,
    b"host": 512,
    b"origin": 512,
    b"accept": 1_024,
    b"accept-charset": 256,
    b"accept-encoding": 512,
    b"accept-language": 1_024,
    b"content-disposition": 1_024,
    b"content-encoding": 256,
    b"content-language": 256,
    b"if-match": 1_024,
    b"if-none-match": 1_024,
    b"if-modified-since": 128,
    b"if-unmodified-since": 128,
    b"if-range": 256,
    b"range": 256,
    b"idempotency-key": 256,
    b"authorization": 4_096,
    b"referer": 8_192,
    b"user-agent": 2_048,
    b"x-csrftoken": 256,
    b"x-requested-with": 256,
    b"x-forwarded-for": 2_048,
    b"x-forwarded-host": 512,
    b"x-forwarded-port": 256,
    b"x-forwarded-proto": 256,
    b"forwarded": 2_048,
    b"sec-websocket-extensions": 1_024,
    b"sec-websocket-key": 256,
    b"sec-websocket-protocol": 1_024,
    b"sec-websocket-version": 64,
}
"""Bytes of all values of one name together: values of one name are joined before they are parsed. Every header that something here reads
has a line, but the cookies: those of other programs on the same host come along (up to the 16 KiB of the whole head) and are read in one
pass. A header that nothing reads may be as long as the head."""

UNREAD = frozenset({b"daphne-root-path"})
"""Taken away: Daphne lets a client move our links with it, and fails on a value that is not ASCII (safety.md T59)."""

ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class BadTarget(ValueError):
    """The request target is no path, and no address with one."""


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """The path (with its query) of a request target, and the host that an absolute one names (RFC 9112, 3.2.2).

    Raises:
        BadTarget: neither form.
    """
    if target.startswith(b"/") or target == b"*":
        return target, None
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None or not absolute[1] or b"@" in absolute[1]:
        raise BadTarget
    path = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    return path, absolute[1]


CONTENT_TYPE = re.compile(rb"content-type[ \t]*:[ \t]*([^*\x00-\x1f\x7f-\xff]*)[ \t]*", re.IGNORECASE)
CHARSET = re.compile(
    rb"charset[ \t]*=[ \t]*[\"']?(?!utf-?8|us-ascii|iso-8859-1|latin-?1|windows-1252)[^\"'; \t]",
    re.IGNORECASE,
)


def has_bad_content_type(line: bytes) -> bool:
    """Whether this header line is a Content-Type on which Django would fail with an error of its own instead of an answer.

    It looks up the codec of an encoded parameter (`charset*=hex''...`) and of the charset, and some of Python's codecs are none for text.
    """
    if line[:12].lower() != b"content-type":
        return False
    found = CONTENT_TYPE.fullmatch(line)
    return found is None or CHARSET.search(found[1]) is not None


class HeaderSizes:
    """Counts one request's header values against MOST_BYTES."""

    def __init__(self) -> None:
        self.counted: dict[bytes, int] = {}

    def fits(self, line: bytes) -> bool:
        """One header line, not parsed yet."""
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        most = MOST_BYTES.get(name)
        if most is None:
            return True
        so_far = self.counted[name] = self.counted.get(name, 0) + len(value.strip()) + 1
        return so_far <= most + 1
