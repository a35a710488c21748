"""Where the pictures are taken: the real service on a fixed afternoon, people who have written, and windows in every size and language.

Everything is written through the service's own doors; only hours and colours are arranged afterwards, because nobody waits two days for a
picture.
"""

import io
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.avatars.initials import colour
from tests.journeys.screenshot_people import ABOUT, COLOURS, MORE_OF_THEO, NAMES, NOW, TALKS, Lines
from tests.journeys.visitors import (
    CHROMIUM_FLAGS,
    MESSAGE_BOX,
    PHONE,
    TIMEOUT_MS,
    Visitor,
    new_visitor,
    token_of,
)
from tests.rig import finding
from tests.rig.daphne_server import EntreServer, SharedStatics

WIDE: Any = {"width": 1440, "height": 920}
SHARPNESS = 2  # of a phone's picture
# The service's clock starts a moment before the pictures', and runs.
CLOCK = "import datetime, time_machine\ntime_machine.travel(datetime.datetime.fromisoformat({!r}), tick=True).start()\n"


class Studio:
    """The service, the people and what they wrote."""

    def __init__(self, browser: Browser, server: EntreServer) -> None:
        self.browser = browser
        self.server = server
        self.people = {
            username: new_visitor(browser, server.address, username, name=name)
            for username, name in NAMES.items()
        }
        for username, about in ABOUT.items():
            answer = self.people[username].person.post_form(
                "/settings/profile/", name=NAMES[username], about=about
            )
            assert answer.is_redirect, f"{username} could not say who they are"
        self.rooms = {username: self.start_chat(username) for username in TALKS}
        self.arrange_the_set()

    @property
    def ana(self) -> Visitor:
        return self.people["ana"]

    def start_chat(self, peer: str) -> str:
        """They meet by an invite link, write, and read."""
        ana, other = self.ana.person, self.people[peer].person
        lines, unread = TALKS[peer]
        link = self.ana.create_invite(NAMES[peer])["url"]
        room = str(other.api("POST", "/invites/claim", {"token": token_of(link)}).json()["room"])
        self.say(peer, room, lines)
        for reader, seq in ((ana, len(lines) - unread), (other, len(lines))):
            assert reader.api(
                "PUT", f"/conversations/{room}/receipt", {"delivered": len(lines), "read": seq}
            ).is_success
        return room

    def unread_again(self, peer: str) -> None:
        """What Ana saw in one picture is new to her in the next."""
        lines, unread = TALKS[peer]
        seen = len(lines) - unread
        received = sum(direction == "<" for _, direction, _ in lines) - unread
        with self.tables() as data:
            data.execute(
                "UPDATE participant SET read_seq = ?, read_count = ?, shown_read = ?"
                " WHERE conversation_id = (SELECT id FROM conversation WHERE room_name = ?)"
                " AND user_id = (SELECT id FROM accounts_user WHERE username = 'ana')",
                [seen, received, seen, self.rooms[peer]],
            )

    def say(self, peer: str, room: str, lines: Lines) -> None:
        for _, direction, body in lines:
            writer = self.ana if direction == ">" else self.people[peer]
            writer.send(room, body)

    def arrange_the_set(self) -> None:
        with self.tables() as data:
            # Each in a colour of their own, the same in every picture of every year.
            for username, wanted in COLOURS.items():
                chosen = next(
                    name
                    for number in count(10_000)
                    if colour(name := f"picture-{number}{username}") == wanted
                )
                data.execute("UPDATE accounts_user SET public_id = ? WHERE username = ?", [chosen, username])
            for peer in self.rooms:
                self.date(data, peer, TALKS[peer][0])

    def theo_writes_on(self) -> None:
        """Six more, which Ana has not read."""
        self.say("theo", self.rooms["theo"], MORE_OF_THEO)
        with self.tables() as data:
            self.date(data, "theo", [*TALKS["theo"][0], *MORE_OF_THEO])

    def date(self, data: sqlite3.Connection, peer: str, lines: Lines) -> None:
        (conversation,) = data.execute(
            "SELECT id FROM conversation WHERE room_name = ?", [self.rooms[peer]]
        ).fetchone()
        data.execute(
            "UPDATE conversation SET created_at = ? WHERE id = ?", [ago(lines[0][0] + 60), conversation]
        )
        for seq, (minutes, _, _) in enumerate(lines, start=1):
            data.execute(
                "UPDATE message SET created_at = ? WHERE conversation_id = ? AND seq = ?",
                [ago(minutes), conversation, seq],
            )
        data.execute(
            "UPDATE participant SET activity = ? WHERE conversation_id = ?", [ago(lines[-1][0]), conversation]
        )

    @contextmanager
    def tables(self) -> Iterator[sqlite3.Connection]:
        data = sqlite3.connect(next(self.server.data_folder.glob("*.sqlite3")))
        with data:
            yield data
        data.close()

    # --- Windows ---

    def page(
        self,
        who: Visitor | None,
        *,
        size: Any = WIDE,
        theme: Any = "light",
        language: str = "en-GB",
        **options: Any,
    ) -> Page:
        """A window of this size in which somebody is signed in, at the pictures' hour."""
        is_phone = size is PHONE
        context = self.browser.new_context(
            base_url=self.server.address,
            viewport=size,
            color_scheme=theme,
            locale=language,
            timezone_id="UTC",
            reduced_motion="reduce",
            device_scale_factor=SHARPNESS if is_phone else 1,
            is_mobile=is_phone,
            has_touch=is_phone,
            **options,
        )
        context.set_default_timeout(TIMEOUT_MS)
        if who:
            # The account's language counts, not the one that this person's other window remembers.
            cookies: list[Any] = [
                one for one in who.context.cookies() if "language" not in str(one.get("name"))
            ]
            context.add_cookies(cookies)
        page = context.new_page()
        page.clock.install(time=NOW)
        return page

    def open_chat(self, page: Page, peer: str) -> None:
        page.goto(f"/chats/{self.rooms[peer]}/")
        expect(page.locator(f"{MESSAGE_BOX}[enterkeyhint]")).to_be_visible()
        expect(page.locator('[data-view="rows"] > li')).to_have_count(len(TALKS))
        page.wait_for_load_state("networkidle")

    def chat(self, peer: str, **options: Any) -> Page:
        page = self.page(self.ana, **options)
        self.open_chat(page, peer)
        return page

    def place(self, path: str, who: Visitor | None = None, **options: Any) -> Page:
        page = self.page(who, **options)
        page.goto(path)
        return page

    @contextmanager
    def speaking(self, who: Visitor, language: str) -> Iterator[None]:
        on_our_page = {"Sec-Fetch-Site": "same-origin"}
        assert who.person.http.get(f"/language/{language}/", headers=on_our_page).is_redirect
        yield
        assert who.person.http.get("/language/en/", headers=on_our_page).is_redirect


@contextmanager
def studio() -> Iterator[Studio]:
    expect.set_options(timeout=TIMEOUT_MS)
    statics = SharedStatics()
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            started = NOW - timedelta(minutes=1)
            (Path(folder) / "sitecustomize.py").write_text(
                CLOCK.format(started.isoformat()), encoding="utf-8"
            )
            with EntreServer(statics, LIMITS="off", PYTHONPATH=folder) as server:
                browser = playwright.chromium.launch(executable_path=finding.chromium(), args=CHROMIUM_FLAGS)
                yield Studio(browser, server)
                browser.close()
    finally:
        statics.remove()


# --- Pictures ---


def ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")


def shot(page: Page) -> Image.Image:
    """What the window shows, once everything that it asked for is there; it is closed afterwards."""
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "document.fonts.ready.then(() => document.activeElement.matches('.composer textarea') && document.activeElement.blur())"
    )
    picture = Image.open(io.BytesIO(page.screenshot(caret="hide")))
    page.context.close()
    return picture
