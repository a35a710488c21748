"""The session of `make screenshots`: a server at a fixed time, users with messages, windows of all sizes.

Users and messages are created through the API; only times and colours are set in the database afterwards.
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
from uuid import uuid4

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.avatars.initials import colour
from tests.journeys.screenshot_people import (
    ABOUT,
    CHATS,
    COLOURS,
    MORE_OF_THEO,
    NAMES,
    NOW,
    REPLIES,
    Lines,
)
from tests.journeys.visitors import (
    CHROMIUM_FLAGS,
    MESSAGE_BOX,
    PHONE,
    TIMEOUT_MS,
    Visitor,
    new_visitor,
    token_of,
)
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics

WIDE: Any = {"width": 1440, "height": 920}
PHONE_SCALE_FACTOR = 2
# The server's clock starts a minute before the browsers', and runs.
CLOCK = (
    "import datetime, time_machine\n"
    "time_machine.travel(datetime.datetime.fromisoformat({!r}), tick=True).start()\n"
)


class ScreenshotSession:
    """The server, the users and their chats."""

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
            assert answer.is_redirect, f"the profile of {username} was not saved"
        self.rooms = {username: self.open_chat_by_invite(username) for username in CHATS}
        self.set_times_and_colours()
        # After that, because reactions hold the public ids.
        self.change_messages_of_marta()

    @property
    def ana(self) -> Visitor:
        return self.people["ana"]

    def open_chat_by_invite(self, peer: str) -> str:
        """Ana and the peer open a chat by an invite link, write and read."""
        ana, other = self.ana.person, self.people[peer].person
        lines, unread = CHATS[peer]
        link = self.ana.create_invite(NAMES[peer])["url"]
        room = str(other.api("POST", "/invites/claim", {"token": token_of(link)}).json()["room"])
        self.send_lines(peer, room, lines)
        for reader, seq in ((ana, len(lines) - unread), (other, len(lines))):
            assert reader.api(
                "PUT", f"/conversations/{room}/receipt", {"delivered": len(lines), "read": seq}
            ).is_success
        return room

    def mark_unread(self, peer: str) -> None:
        """Make the messages that Ana saw in one screenshot unread for the next."""
        lines, unread = CHATS[peer]
        seen = len(lines) - unread
        received = sum(direction == "<" for _, direction, _ in lines) - unread
        with self.database() as data:
            data.execute(
                "UPDATE participant SET read_seq = ?, read_count = ?, shown_read = ?"
                " WHERE conversation_id = (SELECT id FROM conversation WHERE room_name = ?)"
                " AND user_id = (SELECT id FROM accounts_user WHERE username = 'ana')",
                [seen, received, seen, self.rooms[peer]],
            )

    def send_lines(self, peer: str, room: str, lines: Lines) -> None:
        for _, direction, body in lines:
            writer = self.ana if direction == ">" else self.people[peer]
            reply_to = {"reply_to": REPLIES[body]} if body in REPLIES else {}
            message = {"id": str(uuid4()), "body": body, **reply_to}
            answer = writer.person.api("POST", f"/conversations/{room}/messages", message)
            assert answer.is_success, answer.text

    def change_messages_of_marta(self) -> None:
        """An edit, and reactions of both."""
        ana, marta = self.ana.person, self.people["marta"].person
        messages = f"/conversations/{self.rooms['marta']}/messages"
        answers = [
            marta.api("PATCH", f"{messages}/9", {"body": "Às quatro em ponto. Levo o café."}),
            *(person.api("PUT", f"{messages}/4/reactions/😍") for person in (marta, ana)),
            ana.api("PUT", f"{messages}/7/reactions/❤️"),
        ]
        assert all(answer.is_success for answer in answers), [answer.text for answer in answers]

    def set_times_and_colours(self) -> None:
        with self.database() as data:
            # Each user has a fixed colour, which follows from the public id.
            for username, wanted in COLOURS.items():
                chosen = next(
                    name
                    for number in count(10_000)
                    if colour(name := f"picture-{number}{username}") == wanted
                )
                data.execute("UPDATE accounts_user SET public_id = ? WHERE username = ?", [chosen, username])
            for peer in self.rooms:
                self.set_times(data, peer, CHATS[peer][0])

    def send_more_as_theo(self) -> None:
        """More messages, which Ana has not read."""
        self.send_lines("theo", self.rooms["theo"], MORE_OF_THEO)
        with self.database() as data:
            self.set_times(data, "theo", [*CHATS["theo"][0], *MORE_OF_THEO])

    def set_times(self, data: sqlite3.Connection, peer: str, lines: Lines) -> None:
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
    def database(self) -> Iterator[sqlite3.Connection]:
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
        """A window of this size, logged in as `who`, with its clock at `NOW`."""
        is_phone = size is PHONE
        context = self.browser.new_context(
            base_url=self.server.address,
            viewport=size,
            color_scheme=theme,
            locale=language,
            timezone_id="UTC",
            reduced_motion="reduce",
            device_scale_factor=PHONE_SCALE_FACTOR if is_phone else 1,
            is_mobile=is_phone,
            has_touch=is_phone,
            **options,
        )
        context.set_default_timeout(TIMEOUT_MS)
        if who:
            # Without the language cookie of the other window, so that the account's language counts.
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
        expect(page.locator('[data-view="rows"] > li')).to_have_count(len(CHATS))
        page.wait_for_load_state("networkidle")

    def chat(self, peer: str, **options: Any) -> Page:
        page = self.page(self.ana, **options)
        self.open_chat(page, peer)
        return page

    def open_page(self, path: str, who: Visitor | None = None, **options: Any) -> Page:
        page = self.page(who, **options)
        page.goto(path)
        return page

    @contextmanager
    def in_language(self, who: Visitor, language: str) -> Iterator[None]:
        same_origin = {"Sec-Fetch-Site": "same-origin"}
        assert who.person.http.get(f"/language/{language}/", headers=same_origin).is_redirect
        yield
        assert who.person.http.get("/language/en/", headers=same_origin).is_redirect


@contextmanager
def screenshot_session() -> Iterator[ScreenshotSession]:
    expect.set_options(timeout=TIMEOUT_MS)
    statics = SharedStatics()
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            started = NOW - timedelta(minutes=1)
            (Path(folder) / "sitecustomize.py").write_text(
                CLOCK.format(started.isoformat()), encoding="utf-8"
            )
            with EntreServer(statics, LIMITS="off", PYTHONPATH=folder) as server:
                browser = playwright.chromium.launch(executable_path=programs.chromium(), args=CHROMIUM_FLAGS)
                yield ScreenshotSession(browser, server)
                browser.close()
    finally:
        statics.remove()


# --- Screenshots ---


def ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")


def screenshot(page: Page) -> Image.Image:
    """A screenshot of the window once its requests are done. Closes the window."""
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "document.fonts.ready.then(() => document.activeElement.matches('.composer textarea')"
        " && document.activeElement.blur())"
    )
    image = Image.open(io.BytesIO(page.screenshot(caret="hide")))
    page.context.close()
    return image
