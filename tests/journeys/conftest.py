"""Real browsers for the journeys: one Chromium, a fresh context for every person, a picture of each page when a test fails.

A page that throws, or that the Content-Security-Policy stops, fails its test even when nobody looked.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import or_skip
from tests.rig import finding
from tests.rig.daphne_server import EntreServer
from tests.rig.people import PASSWORD

OUTPUT = Path(__file__).resolve().parents[2] / "test-output"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with the module, because Playwright's own event loop would be in the way of asynchronous tests elsewhere."""
    try:
        program = finding.chromium()
    except finding.Absent as reason:
        or_skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """One person at one browser window, with the few things that every journey does."""

    def __init__(self, context: BrowserContext, username: str) -> None:
        self.context = context
        self.username = username
        self.name = username.capitalize()
        self.faults: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("console", self.listen)
        return page

    def listen(self, message: ConsoleMessage) -> None:
        if re.search(r"Content Security Policy|Refused to", message.text):
            self.faults.append(f"policy: {message.text}")

    def sign_up(self, *, at: str = "/accounts/signup/", listed: bool = True) -> None:
        """Fill in the sign-up form that is at this address, as a person does."""
        if at:
            self.page.goto(at)
        self.page.fill("input[name=username]", self.username)
        self.page.fill("input[name=name]", self.name)
        self.page.fill("input[name=password1]", PASSWORD)
        self.page.locator("input[name=listed]").set_checked(listed)
        self.page.locator("form:has(input[name=password1]) [type=submit]").click()
        self.page.wait_for_url(lambda address: "/accounts/" not in address)

    def log_in(self) -> None:
        self.page.goto("/accounts/login/")
        self.page.fill("input[name=login]", self.username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.locator("form:has(input[name=password]) [type=submit]").click()
        self.page.wait_for_url(lambda address: "/accounts/" not in address)

    def write(self, body: str) -> None:
        self.page.fill("textarea[name=body]", body)
        self.page.press("textarea[name=body]", "Enter")


@pytest.fixture
def visitor(chromium: Browser, daphne_server: EntreServer, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visitor]]:
    """`visitor("alice")`: a new window. Options are Playwright's: viewport, java_script_enabled, color_scheme, locale, ..."""
    present: list[Visitor] = []

    def come(username: str, *, server: EntreServer = daphne_server, process: int = 0, **options: Any) -> Visitor:
        options = {"viewport": DESK, "locale": "en-GB", "reduced_motion": "reduce", **options}
        context = chromium.new_context(base_url=server.address_of(process), **options)
        context.set_default_timeout(PATIENCE_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.address_of(process))
        present.append(Visitor(context, username))
        return present[-1]

    yield come
    failed = getattr(request.node, "report_of_call", None)
    for guest in present:
        if failed is not None and failed.failed:
            photograph(guest, request.node.name)
        guest.context.close()
    faults = {guest.username: guest.faults for guest in present if guest.faults}
    assert not faults, f"pages had faults that nobody looked at: {faults}"


def photograph(guest: Visitor, test: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for number, page in enumerate(guest.context.pages):
        name = re.sub(r"[^\w-]+", "_", f"{test}-{guest.username}-{number}")
        try:
            page.screenshot(path=OUTPUT / f"{name}.png")
            (OUTPUT / f"{name}.html").write_text(page.content(), encoding="utf-8")
        except Exception as error:
            (OUTPUT / f"{name}.txt").write_text(str(error), encoding="utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call":
        item.report_of_call = report  # type: ignore[attr-defined]
    return report
