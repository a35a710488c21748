"""Budgets of what a page loads, in kB with gzip; shared by the tests of bytes and by `make bench-page`."""

import re
from pathlib import PurePosixPath

HTML, STYLES, SPRITE = 20, 14, 4
SCRIPT_AT_FIRST, SCRIPT_OF_CHAT, SCRIPT_OF_PAGE = 33, 100, 13.3
"""Before the first interaction with a chat; a chat in all; a page around the account in all."""

LAZY = ("avatar-picker", "connected", "unread-indicators", "emoji-panel")
"""Loaded when the user chooses an avatar; by account pages of a logged-in user, when idle; with the emoji
panel. They count to no page."""

IMPORTED = re.compile(r"""(?:from|import) ?\(?["'](\.{1,2}/[^"']+)["']""")
"""The module in a static or dynamic import."""


def is_lazy(path: str) -> bool:
    return PurePosixPath(path).name.startswith(LAZY)
