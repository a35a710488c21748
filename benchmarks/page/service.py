"""The service under test: users, a chat of 100,000 messages and a short one, and browser windows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.journeys.visitors import CHROMIUM_FLAGS
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.people import Person

LONG = 100_000
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
DESKTOP: Any = {"viewport": {"width": 1280, "height": 860}}
PHONE: Any = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
SLOW_NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
# Lengths from one word to a paragraph: heights differ, so a misplaced page would show.
SENTENCE = (
    "the quinces are ripe and the train leaves at nine so bring a basket"
    " and the good coffee when you come over on Sunday"
)
WORDS = SENTENCE.split()


class Service:
    """The service with alice and the two users she writes to."""

    def __init__(self, browser: Browser, server: EntreServer) -> None:
        self.browser = browser
        self.server = server
        self.alice, bob, carol = (Person(server.address, name) for name in ("alice", "bob", "carol"))
        for person in (self.alice, bob, carol):
            person.sign_up()
        self.long = self.alice.open_chat_with(bob)
        self.short = self.alice.open_chat_with(carol)
        self.invite = str(self.alice.api("POST", "/invites", {"note": ""}).json()["url"])
        fill(server.data_folder, self.long, LONG)
        fill(server.data_folder, self.short, 60)

    @contextmanager
    def window(
        self, *, who: Person | None = None, slowness: int = 1, is_network_slow: bool = False, **options: Any
    ) -> Iterator[Page]:
        """A browser with an empty cache and no service worker, as on a first visit."""
        context = self.browser.new_context(
            base_url=self.server.address,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            service_workers="block",
            **options,
        )
        if who:
            sign_in(context, who, self.server.address)
        context.add_init_script(PROBE)
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowness})
        if is_network_slow:
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", SLOW_NETWORK)
        yield page
        context.close()


def sign_in(context: BrowserContext, who: Person, address: str) -> None:
    context.add_cookies(
        [{"name": str(name), "value": str(value), "url": address} for name, value in who.http.cookies.items()]
    )


def fill(folder: Path, room: str, how_many: int) -> None:
    """Insert messages into the tables, because sending 100,000 takes minutes. All are read; the newest is a
    minute old."""
    data = sqlite3.connect(next(folder.glob("*.sqlite3")))
    with data:
        conversation, *pair = data.execute(
            "SELECT id, low_id, high_id FROM conversation WHERE room_name = ?", [room]
        ).fetchone()
        begin = datetime.now(UTC) - timedelta(minutes=how_many)
        received = [0, 0]
        rows = []
        for seq in range(1, how_many + 1):
            sender = (seq // 3) % 2
            received[1 - sender] += 1
            words = [WORDS[(seq * 7 + place) % len(WORDS)] for place in range(1 + seq * 13 % 47)]
            at = (begin + timedelta(minutes=seq)).strftime("%Y-%m-%d %H:%M:%S.%f")
            rows.append(
                (
                    conversation,
                    seq,
                    seq,
                    uuid4().hex,
                    pair[sender],
                    received[1 - sender],
                    "text",
                    " ".join(words),
                    "[]",
                    at,
                )
            )
        data.executemany(
            "INSERT INTO message (conversation_id, seq, version, client_id, sender_id, ordinal, kind, body,"
            " reactions, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        data.execute(
            "UPDATE conversation SET head = ?, changed_at = ? WHERE id = ?",
            [how_many, rows[-1][-1], conversation],
        )
        for person, count in zip(pair, received, strict=True):
            data.execute(
                "UPDATE participant SET received = ?, read_count = ?, read_seq = ?, delivered_seq = ?,"
                " shown_read = ?, shown_delivered = ?, activity = ?"
                " WHERE conversation_id = ? AND user_id = ?",
                [count, count, *[how_many] * 4, rows[-1][-1], conversation, person],
            )
    data.close()


def heap(devtools: CDPSession) -> float:
    """Megabytes in use after a garbage collection."""
    devtools.send("HeapProfiler.enable")
    devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


@contextmanager
def running_service() -> Iterator[Service]:
    statics = SharedStatics()
    try:
        with EntreServer(statics, LIMITS="off") as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=programs.chromium(is_whole=True), args=CHROMIUM_FLAGS
            )
            yield Service(browser, server)
            browser.close()
    finally:
        statics.remove()
