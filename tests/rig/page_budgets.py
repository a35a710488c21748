"""Budgets of what a page loads, in kB with gzip; shared by the tests of bytes and by `make bench-page`."""

import re
from pathlib import PurePosixPath

HTML, STYLES, SPRITE = 20, 14, 4
SCRIPT_AT_FIRST, SCRIPT_OF_CHAT, SCRIPT_OF_PAGE, SCRIPT_OF_FILES = 33, 102.1, 13.5, 42
"""Before the first interaction with a chat; a chat in all; a page around the account in all, of which 0.1
notices what was changed before the script was there; all modules of files, of which viewer and players have
17."""

STYLES_OF_FILES = 6
"""The sheet that comes with a page that shows files; elsewhere it is loaded when the page is idle."""

LAZY = ("attachments", "avatar-picker", "connected", "unread-indicators", "emoji-panel", "search-results")
"""Files have a budget of their own. The others are loaded when the user chooses an avatar; by account pages
of a logged-in user, when idle; with the emoji panel; on the page of search results, which is no chat. They
count to no page."""

IMPORTED = re.compile(r"""(?:from|import) ?\(?["'](\.{1,2}/[^"']+)["']""")
"""The module in a static or dynamic import."""


def is_lazy(path: str) -> bool:
    return PurePosixPath(path).name.startswith(LAZY)
