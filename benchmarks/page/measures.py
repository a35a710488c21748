"""The measurements: each gives a few figures of one run; `__main__` repeats them and takes the medians."""

from __future__ import annotations

import gzip
import re
import time
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from benchmarks.page.service import DESKTOP, PHONE, Service, heap
from tests.rig.page_budgets import IMPORTED, is_lazy

Figures = dict[str, float]

BOX = "textarea[name=body]"
LIST = '[data-view="timeline"] > li[data-id]'
SETTLE_MS = 1_500
ECHOES = 30
WHEELS = 120
OLDER_PAGES = 50
IDLE_MS = 45_000
READY_MS = 5_000


def probe(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("({...probe, watchFrames: null, echo: probe.echo.map(Number)})")
    return found


def ninety_five(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def open_chat(page: Page, room: str) -> None:
    page.goto(f"/chats/{room}/")
    expect(page.locator(f"{BOX}[enterkeyhint]")).to_be_visible()
    page.wait_for_load_state("networkidle")


# --- Bytes ---


def weights(service: Service) -> Figures:
    """Bytes sent to a browser that accepts gzip."""
    figures: Figures = {}
    page = service.alice.http.get(f"/chats/{service.short}/").text
    figures["HTML of a chat with 50 messages"] = len(gzip.compress(page.encode(), 6)) / 1e3
    figures["CSS of a chat"] = sent(service, re.findall(r'<link rel="stylesheet" href="([^"]+)"', page))
    ahead = re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    figures["JS of a chat before the first interaction"] = sent(service, ahead)
    figures["JS of a chat in all"] = sent(service, reached(service, ahead))
    figures["sprite"] = sent(
        service, {name.split("#")[0] for name in re.findall(r'<use href="([^"]+)"', page)}
    )
    figures["fonts at first"] = sent(
        service, re.findall(r'<link rel="preload" href="([^"]+)" as="font"', page)
    )
    for name, path in {
        "landing": "/",
        "invite": service.invite,
        "log-in": "/accounts/login/",
        "settings": "/settings/profile/",
    }.items():
        html = (
            service.alice.http.get(path).text
            if name == "settings"
            else httpx.get(path if "://" in path else service.server.address + path).text
        )
        entries = re.findall(r'<script type="module" src="([^"]+)"', html)
        figures[f"JS of {name} in all"] = sent(service, reached(service, entries))
    return figures


def sent(service: Service, paths: Any) -> float:
    total = 0
    for path in set(paths):
        with httpx.stream(
            "GET", service.server.address + path, headers={"Accept-Encoding": "gzip"}
        ) as answer:
            answer.raise_for_status()
            total += sum(map(len, answer.iter_raw()))
    return total / 1e3


def reached(service: Service, entries: Any) -> set[str]:
    """These modules and all that they import, at once or later, except the lazy ones."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path in found or is_lazy(path):
            continue
        found.add(path)
        text = httpx.get(service.server.address + path).text
        for name in IMPORTED.findall(text):
            waiting.append(str(httpx.URL(f"http://x{path}").join(name).path))
    return found


# --- Paint ---


def paint(service: Service, path: str, *, is_signed_in: bool, is_slow: bool) -> Figures:
    """A first visit, with nothing in any cache."""
    who = service.alice if is_signed_in else None
    with service.window(who=who, slowness=4 if is_slow else 1, is_network_slow=is_slow, **PHONE) as page:
        page.goto(path, wait_until="load")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(SETTLE_MS)
        found = probe(page)
        # Modules load beside the first paint, which waits for none of them.
        before = page.evaluate(
            "performance.getEntriesByType('resource')"
            ".filter((one) => one.responseEnd <= probe.fcp && !/\\.js$/.test(one.name)).length"
        )
        return {
            "first paint": found["fcp"],
            "largest paint": found["lcp"],
            "shift": found["shift"],
            "blocking": found["blocking"],
            "requests": 1 + before,
        }


def shift(service: Service, path: str, *, is_signed_in: bool) -> Figures:
    """On a desktop window, at full speed."""
    with service.window(who=service.alice if is_signed_in else None, **DESKTOP) as page:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(SETTLE_MS)
        found = probe(page)
        return {"shift": found["shift"], "long tasks": found["longTasks"]}


# --- In a chat ---


def echo(service: Service, slowness: int) -> Figures:
    with service.window(who=service.alice, slowness=slowness, **DESKTOP) as page:
        open_chat(page, service.short)
        page.wait_for_timeout(SETTLE_MS)
        tasks = probe(page)["longTasks"]
        for number in range(ECHOES):
            page.locator(BOX).press_sequentially(f"ok {number}")
            page.keyboard.press("Enter")
            page.wait_for_function(f"() => probe.echo.length > {number}")
        found = probe(page)
        return {"p95": ninety_five(found["echo"]), "long tasks": found["longTasks"] - tasks}


def switching(service: Service) -> Figures:
    """From the press on a row to the painted chat: one that the page has not shown before, and one that it
    has."""
    figures = {}
    with service.window(who=service.alice, **DESKTOP) as page:
        open_chat(page, service.long)
        page.wait_for_timeout(SETTLE_MS)
        for name, room in (("new", service.short), ("back", service.long), ("seen", service.short)):
            row = page.locator(f'[data-view="rows"] li[data-room="{room}"] a').first
            row.wait_for()
            page.evaluate(PRESS_TO_PAINT, room)
            row.click()
            page.wait_for_function("() => window.switched !== null")
            figures[name] = float(page.evaluate("window.switched"))
            page.wait_for_load_state("networkidle")
    return figures


PRESS_TO_PAINT = """(room) => {
    window.switched = null;
    const poll = (pressed) => requestAnimationFrame(() => {
        if (!document.querySelector(`main[data-room="${room}"] li[data-id]`)) return poll(pressed);
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => (window.switched = performance.now() - pressed);
        port2.postMessage(null);
    });
    addEventListener("pointerdown", ({ timeStamp }) => poll(timeStamp), { capture: true, once: true });
}"""
"""Resolves in the first task after the frame that shows the chat."""


def scrolling(service: Service, slowness: int) -> Figures:
    """Scroll up with the wheel in a chat of 100,000 messages."""
    with service.window(who=service.alice, slowness=slowness, **DESKTOP) as page:
        open_chat(page, service.long)
        page.wait_for_timeout(SETTLE_MS)
        page.evaluate("probe.longTasks = 0; probe.watchFrames()")
        page.mouse.move(800, 400)
        for _ in range(WHEELS):
            page.mouse.wheel(0, -1_400)
            page.wait_for_timeout(25)
        page.wait_for_load_state("networkidle")
        found = probe(page)
        return {
            "insert": median(found["inserts"]),
            "pages": len(found["inserts"]),
            "anchor error": found["anchorError"],
            "against": found["against"],
            "long tasks": found["longTasks"],
        }


def upwards(service: Service) -> Figures:
    """Fifty pages up: elements on the page, and the heap."""
    with service.window(who=service.alice, **DESKTOP) as page:
        open_chat(page, service.long)
        page.wait_for_timeout(SETTLE_MS)
        devtools = page.context.new_cdp_session(page)
        start = heap(devtools)
        page.mouse.move(800, 400)
        deadline = time.monotonic() + 120
        while (pages := page.evaluate("probe.inserts.length")) < OLDER_PAGES and time.monotonic() < deadline:
            page.mouse.wheel(0, -6_000)
            page.wait_for_timeout(50)
        page.wait_for_timeout(SETTLE_MS)
        messages = page.locator(LIST).count()
        inside = page.evaluate(
            f"[...document.querySelectorAll('{LIST}')].map((one) => one.querySelectorAll('*').length + 1)"
        )
        return {
            "pages": pages,
            "heap": heap(devtools) - start,
            "messages": messages,
            "elements": page.evaluate("document.querySelectorAll('*').length"),
            "elements a message": median(inside),
        }


def idle(service: Service) -> Figures:
    """An idle chat: timers and animations that still run."""
    with service.window(who=service.alice, **DESKTOP) as page:
        open_chat(page, service.short)
        page.wait_for_timeout(READY_MS)
        since = page.evaluate("performance.now()")
        page.wait_for_timeout(IDLE_MS)
        timers = [delay for at, delay in probe(page)["timers"] if at > since and delay < 20_000]
        running = page.evaluate(
            "document.getAnimations().filter((one) => one.playState === 'running').length"
        )
        return {"timers": len(timers), "shortest": min(timers, default=0), "animations": running}
