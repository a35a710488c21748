"""Validation of request headers before they are parsed: header value sizes, and the form of the target.

Plain functions over bytes. Later parsers (Django's, the standard library's) read some values in quadratic
time.
"""

import re

MAX_HEADER_BYTES = {
    # A boundary has at most 70 characters. Django parses the parameters on the event loop, in quadratic time.
    b"content-type": 256,
    # More than 4,300 digits are a ValueError in Python, which ends in a traceback.
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
"""Bytes of all values of one name together, because they are joined before they are parsed. Every header that
this service reads is listed, except cookies: those of other programs on the same host are sent along (up to
the 16 KiB of all headers) and are parsed in one pass. A header that is never read may take all of that."""

DROPPED_HEADERS = frozenset({b"daphne-root-path"})
"""With this one Daphne lets a client prefix our links, and it fails on a value that is not ASCII
(docs/threats.md T59)."""

ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class BadTarget(ValueError):
    """The request target is neither a path nor an absolute URL."""


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """The path (with its query) of a request target, and the host of an absolute one (RFC 9112, 3.2.2).

    Raises:
        BadTarget: it has neither form.
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
    """Whether this header line is a Content-Type on which Django would fail with a server error.

    Django looks up the codec of an encoded parameter (`charset*=hex''...`) and of the charset, and some of
    Python's codecs are not text encodings.
    """
    if line[:12].lower() != b"content-type":
        return False
    found = CONTENT_TYPE.fullmatch(line)
    return found is None or CHARSET.search(found[1]) is not None


class HeaderSizes:
    """Counts the header values of one request against MAX_HEADER_BYTES."""

    def __init__(self) -> None:
        self.sizes: dict[bytes, int] = {}

    def fits(self, line: bytes) -> bool:
        """Count one unparsed header line; False when its name is over the limit."""
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        limit = MAX_HEADER_BYTES.get(name)
        if limit is None:
            return True
        size = self.sizes[name] = self.sizes.get(name, 0) + len(value.strip()) + 1
        return size <= limit + 1
