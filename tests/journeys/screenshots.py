"""`make screenshots`: the pictures of docs/screenshots, taken of the real service with people who have something to say.

Everything is written through the service's own doors; only hours and colours are arranged afterwards, because nobody waits
two days for a picture.
"""

import sqlite3
import sys
import zlib
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.avatars import colour
from tests.journeys.visitors import BOX, FLAGS, PATIENCE_MS, Visitor, visitor_at
from tests.rig import finding
from tests.rig.daphne_server import EntreServer, SharedStatics

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
LARGEST_BYTES = 200_000
NOW = datetime.now(UTC).replace(hour=14, minute=12, second=0, microsecond=0)
WIDE: Any = {"width": 1280, "height": 800}
CALM: Any = {"width": 1060, "height": 680}
PHONE: Any = {"width": 390, "height": 844}
NAMES = {
    "ana": "Ana Vale",
    "theo": "Theo Lindqvist",
    "marta": "Marta Oliveira",
    "ilya": "Илья Воронцов",
    "joana": "Joana Prado",
    "noor": "نور حداد",
    "sam": "Sam Whitfield",
    "lena": "Лена Соколова",
}
ABOUT = {
    "theo": "Maps, ferries, too many bicycles.",
    "marta": "Cozinho melhor do que canto.",
    "ilya": "Чиню старые радиоприёмники.",
    "joana": "Choir on Tuesdays.",
    "sam": "Mostly in the garden.",
    "lena": "Перевожу книги.",
}

# Who writes what to Ana ("<") or she to them (">"), and how many minutes ago; the last number is how many of theirs she has not read.
TALKS: dict[str, tuple[list[tuple[int, str, str]], int]] = {
    "sam": ([(4_400, "<", "The quinces are ripe, come and get some"), (4_390, ">", "On Sunday, with a basket")], 0),
    "lena": ([(3_100, ">", "Ты дочитала?"), (3_080, "<", "Почти. Конец такой, что не тороплюсь.")], 0),
    "noor": ([(1_700, "<", "تمام، نلتقي عند الساعة الخامسة")], 1),
    "joana": ([(1_600, "<", "Rehearsal moved to eight"), (1_590, ">", "Good, then I can eat something first")], 0),
    "marta": (
        [
            (1_520, "<", "Cheguei bem, a balsa atrasou só meia hora."),
            (1_518, ">", "Que bom! E o tempo aí?"),
            (1_515, "<", "Sol e vento. Já estou com areia no café 😄"),
            (262, ">", "Achei a receita da tua avó, aquela do bolo de fubá."),
            (261, ">", "Estava dentro do livro de geografia."),
            (240, "<", "Não acredito. Manda uma foto?"),
            (238, "<", "Ou melhor: faz o bolo sábado e eu levo o café."),
            (231, ">", "Combinado. Às quatro?"),
            (230, "<", "Às quatro em ponto."),
        ],
        0,
    ),
    "ilya": (
        [
            (1_480, "<", "Привет! Посылка пришла, всё цело."),
            (1_476, ">", "Ура. Я боялась за лампы."),
            (1_470, "<", "Лампы живы, одна даже светится."),
            (70, ">", "И как он звучит?"),
            (66, "<", "Как в детстве. Поймал Лиссабон, представляешь?"),
            (65, "<", "Там как раз играли фаду."),
            (58, ">", "Запиши мне минуту, пожалуйста"),
            (21, "<", "Вечером запишу и пришлю."),
            (20, "<", "Скинь, кстати, адрес ещё раз"),
        ],
        2,
    ),
    "theo": (
        [
            (2_890, ">", "Safe travels! Write when you are on the other side."),
            (2_880, "<", "Will do. If there is a signal out there."),
            (1_450, "<", "Just got off the ferry. The light here is unreal at this hour."),
            (1_446, ">", "Is it the bay where we got lost that time?"),
            (1_445, "<", "😂"),
            (45, ">", "Morning! Are we still on for Friday?"),
            (44, ">", "I found the route we talked about: https://trails.example/serra-azul/long-loop"),
            (31, "<", "Yes! And I can drive, so no need to take the early train."),
            (30, "<", "Eleven kilometres, one steep bit, and an inn at the far end."),
            (12, ">", "You are the best."),
            (11, ">", "Then I’ll bring the good coffee ☕"),
        ],
        0,
    ),
}


class Studio:
    """The service, the people and what they wrote."""

    def __init__(self, browser: Browser, server: EntreServer) -> None:
        self.browser = browser
        self.server = server
        self.people = {username: visitor_at(browser, server.address, username, name=name) for username, name in NAMES.items()}
        for username, about in ABOUT.items():
            answer = self.people[username].person.post_form("/settings/profile/", name=NAMES[username], about=about)
            assert answer.is_redirect, f"{username} could not say who they are"
        self.rooms = {username: self.talk(username) for username in TALKS}
        self.arrange_the_set()

    @property
    def ana(self) -> Visitor:
        return self.people["ana"]

    def talk(self, peer: str) -> str:
        """They meet by an invite link, write, and read."""
        ana, other = self.ana.person, self.people[peer].person
        lines, unread = TALKS[peer]
        link = str(ana.api("POST", "/invites", {"note": NAMES[peer]}).json()["url"])
        room = str(other.api("POST", "/invites/claim", {"token": link.rstrip("/").rsplit("/", 1)[1]}).json()["room"])
        for _, direction, body in lines:
            assert (ana if direction == ">" else other).write(room, body).status_code == 201
        for reader, seq in ((ana, len(lines) - unread), (other, len(lines))):
            assert reader.api("PUT", f"/conversations/{room}/receipt", {"delivered": len(lines), "read": seq}).is_success
        return room

    def arrange_the_set(self) -> None:
        data = sqlite3.connect(next(self.server.data_folder.glob("*.sqlite3")))
        with data:
            # Each in a colour of their own, the same in every picture of every year.
            for wanted, username in enumerate(NAMES):
                chosen = next(name for number in count(10_000) if colour(name := f"picture-{number}{wanted}") == wanted + 1)
                data.execute("UPDATE accounts_user SET public_id = ? WHERE username = ?", [chosen, username])
            for peer, room in self.rooms.items():
                lines, _ = TALKS[peer]
                (conversation,) = data.execute("SELECT id FROM conversation WHERE room_name = ?", [room]).fetchone()
                data.execute("UPDATE conversation SET created_at = ? WHERE id = ?", [ago(lines[0][0] + 60), conversation])
                for seq, (minutes, _, _) in enumerate(lines, start=1):
                    data.execute(
                        "UPDATE message SET created_at = ? WHERE conversation_id = ? AND seq = ?", [ago(minutes), conversation, seq]
                    )
                data.execute("UPDATE participant SET activity = ? WHERE conversation_id = ?", [ago(lines[-1][0]), conversation])
        data.close()

    def page(self, who: Visitor | None, *, size: Any = WIDE, theme: Any = "light", scale: float = 1) -> Page:
        """A window of this size in which somebody is signed in, at a quarter past two."""
        context = self.browser.new_context(
            base_url=self.server.address,
            viewport=size,
            color_scheme=theme,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            device_scale_factor=scale,
            is_mobile=size is PHONE,
            has_touch=size is PHONE,
        )
        context.set_default_timeout(PATIENCE_MS)
        if who:
            cookies: Any = who.context.cookies()
            context.add_cookies(cookies)
        page = context.new_page()
        page.clock.install(time=NOW)
        return page

    def chat(self, name: str, peer: str, **options: Any) -> None:
        page = self.page(self.ana, **options)
        page.goto(f"/chats/{self.rooms[peer]}/")
        expect(page.locator(f"{BOX}[enterkeyhint]")).to_be_visible()
        expect(page.locator('[data-view="rows"] > li')).to_have_count(len(TALKS))
        take(page, name)

    def place(self, name: str, path: str, who: Visitor | None = None, **options: Any) -> None:
        page = self.page(who, **options)
        page.goto(path)
        take(page, name)


def ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => document.activeElement.blur())")
    path = FOLDER / f"{name}.png"
    size = path.write_bytes(squeezed(page.screenshot()))
    assert size < LARGEST_BYTES, f"{path.name} has {size} bytes"
    sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}  {size // 1_000} kB\n")
    page.context.close()


def squeezed(png: bytes) -> bytes:
    """The same picture, packed with more patience than a browser has."""
    before, after, packed, at = b"", b"", b"", 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : end - 4]
        elif packed:
            after += png[at:end]
        else:
            before += png[at:end]
        at = end
    data = zlib.compress(zlib.decompress(packed), 9)
    chunk = b"IDAT" + data
    return png[:8] + before + len(data).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + after


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    statics = SharedStatics()
    try:
        with EntreServer(statics) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=finding.chromium(), args=FLAGS)
            studio = Studio(browser, server)
            studio.chat("chat-light", "theo")
            studio.chat("chat-dark", "marta", theme="dark")
            studio.place("people-light", "/people/", studio.ana)
            studio.chat("chat-phone", "ilya", size=PHONE)
            studio.place("landing-light", "/", size=CALM)
            link = studio.people["theo"].person.api("POST", "/invites", {"note": "Caio, from the choir"}).json()["url"]
            studio.place("invite-light", str(link), size=CALM)
            browser.close()
    finally:
        statics.remove()


if __name__ == "__main__":
    main()
