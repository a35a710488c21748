"""Real browsers for the journeys: one Chromium and one service for all of them, a fresh context and new people for every test.

When a test fails, a picture of each page is put into test-output/.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import or_skip
from tests.journeys.page_session import PageSession
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import CHROMIUM_FLAGS, TIMEOUT_MS, Visitor, new_visitor
from tests.rig import finding
from tests.rig.daphne_server import EntreServer, SharedStatics

OUTPUT = Path(__file__).resolve().parents[2] / "test-output"
VisitorMaker = Callable[..., Visitor]

_tests = count(1)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with the journeys, because Playwright's own event loop would be in the way of asynchronous tests elsewhere."""
    try:
        program = finding.chromium()
    except finding.Absent as reason:
        or_skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def daphne_server(statics: SharedStatics) -> Iterator[EntreServer]:
    """One service for all journeys: their people have names of their own. More of them sign up from one address than limits allow."""
    with EntreServer(statics, LIMITS="off", DJANGO_SETTINGS_MODULE="tests.rig.quick") as server:
        yield server


@pytest.fixture(scope="package")
def page_session(chromium: Browser, daphne_server: EntreServer) -> Iterator[PageSession]:
    """The people and the links of all tests that look at every kind of page."""
    session = PageSession(chromium, daphne_server)
    yield session
    session.leave()


@pytest.fixture
def mark() -> str:
    """Makes the handles of a test its own."""
    return f"{next(_tests):02}"


@pytest.fixture
def proxy(daphne_server: EntreServer) -> Iterator[TcpProxy]:
    """A connection to the server that this test may break."""
    with TcpProxy(daphne_server.ports[0]) as proxy:
        yield proxy


@pytest.fixture
def visitor(
    chromium: Browser, daphne_server: EntreServer, mark: str, request: pytest.FixtureRequest
) -> Iterator[VisitorMaker]:
    """`visitor("alice")`: a new browser, at no page yet.

    Args:
        signed_up: the account exists and the browser is signed in; `visitor.person` asks over plain HTTP, like another device.
        address: where to find the service, when not at its front door.
        options: Playwright's: viewport, java_script_enabled, color_scheme, locale, ...
    """
    present: list[Visitor] = []

    def come(username: str, *, name: str = "", address: str = "", **options: Any) -> Visitor:
        guest = new_visitor(
            chromium,
            address or daphne_server.address,
            f"{username}{mark}",
            name=name or username.capitalize(),
            **options,
        )
        present.append(guest)
        return guest

    yield come
    failed = getattr(request.node, "report_of_call", None)
    for guest in present:
        if failed is not None and failed.failed:
            photograph(guest, request.node.name)
        guest.leave()
    faults = {guest.username: guest.faults for guest in present if guest.faults}
    assert not faults, f"pages had faults that nobody looked at: {faults}"


def photograph(guest: Visitor, test: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for number, page in enumerate(guest.pages):
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
