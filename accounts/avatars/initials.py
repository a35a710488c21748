"""PURE. Placeholder avatar: one or two initials on one of eight colours.

Computed by the server and sent to clients, so that every device shows the same.
"""

import unicodedata

COLOURS = 8
NON_JOINER = "\u200c"
ZERO_WIDTH_JOINER = "\u200d"
JOINING = (
    (0x0600, 0x08FF),
    (0x1800, 0x18AF),
    (0xA840, 0xA87F),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFF),
    (0x10AC0, 0x10AFF),
    (0x1E900, 0x1E95F),
)
"""Arabic, Syriac, N'Ko, Mandaic, Mongolian, Phags-pa, Manichaean, Adlam: scripts that join adjacent letters
into one shape."""


def colour(public_id: str) -> int:
    """1 to 8, from the account's public id alone, so that a new name keeps the colour. FNV-1a, 32 bit."""
    digest = 0x811C9DC5
    for byte in public_id.encode():
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    return digest % COLOURS + 1


def initials(name: str) -> str:
    """First letter of the first and of the last word, in title case; without letters, the first grapheme.

    Not upper case: Georgian capitals are a separate alphabet that many fonts lack.
    """
    plain = unicodedata.normalize("NFC", name).strip()
    words = [word for word in map(from_first_letter, plain.split()) if word]
    if not words:
        return first_grapheme(plain)
    letters = [
        first_grapheme(word).title() for word in (words[:1] if len(words) == 1 else (words[0], words[-1]))
    ]
    return (NON_JOINER if all(map(is_joining, letters)) else "").join(letters)


def from_first_letter(word: str) -> str:
    """The word from its first letter or digit on: "(Ana)" gives "Ana)"."""
    return next((word[at:] for at, char in enumerate(word) if char.isalnum()), "")


def first_grapheme(text: str) -> str:
    """The first grapheme cluster, roughly: a letter with its marks, a flag, an emoji sequence."""
    if len(text) > 1 and is_flag_half(text[0]) and is_flag_half(text[1]):
        return text[:2]
    end = 1
    while end < len(text) and (text[end - 1] == ZERO_WIDTH_JOINER or is_extension(text[end])):
        end += 1
    return text[:end]


def is_extension(char: str) -> bool:
    return (
        unicodedata.category(char)[0] == "M"
        or char == ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def is_joining(letter: str) -> bool:
    return any(first <= ord(letter[0]) <= last for first, last in JOINING)
