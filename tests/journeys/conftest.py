"""Fixtures of the journeys: one Chromium and one server for all, new contexts and users for each test.

When a test fails, a screenshot of each page is saved in test-output/.
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
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics

OUTPUT = Path(__file__).resolve().parents[2] / "test-output"
VisitorMaker = Callable[..., Visitor]

_tests = count(1)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Closed after the journeys: Playwright's event loop would interfere with asynchronous tests."""
    try:
        program = programs.chromium()
    except programs.MissingProgram as reason:
        or_skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def daphne_server(statics: SharedStatics) -> Iterator[EntreServer]:
    """One server for all journeys, whose users have different names.

    Without limits: more users sign up than one address may.
    """
    with EntreServer(statics, LIMITS="off", DJANGO_SETTINGS_MODULE="tests.rig.fast_hashing") as server:
        yield server


@pytest.fixture(scope="package")
def page_session(chromium: Browser, daphne_server: EntreServer) -> Iterator[PageSession]:
    """The users and links for the tests that open every kind of page."""
    session = PageSession(chromium, daphne_server)
    yield session
    session.leave()


@pytest.fixture
def suffix() -> str:
    """Makes the usernames of a test unique."""
    return f"{next(_tests):02}"


@pytest.fixture
def proxy(daphne_server: EntreServer) -> Iterator[TcpProxy]:
    """A connection to the server that this test may break."""
    with TcpProxy(daphne_server.ports[0]) as proxy:
        yield proxy


@pytest.fixture
def visitor(
    chromium: Browser, daphne_server: EntreServer, suffix: str, request: pytest.FixtureRequest
) -> Iterator[VisitorMaker]:
    """`visitor("alice")`: a new browser context without a page.

    Args:
        signed_up: create the account and log the browser in; `visitor.person` is the same user over plain
            HTTP.
        address: the address of a proxy in front of the server.
        options: passed to Playwright: viewport, java_script_enabled, color_scheme, locale, ...
    """
    opened: list[Visitor] = []

    def open_visitor(username: str, *, name: str = "", address: str = "", **options: Any) -> Visitor:
        new = new_visitor(
            chromium,
            address or daphne_server.address,
            f"{username}{suffix}",
            name=name or username.capitalize(),
            **options,
        )
        opened.append(new)
        return new

    yield open_visitor
    failed = getattr(request.node, "report_of_call", None)
    for each in opened:
        if failed is not None and failed.failed:
            save_screenshots(each, request.node.name)
        each.leave()
    faults = {each.username: each.faults for each in opened if each.faults}
    assert not faults, f"pages had faults: {faults}"


def save_screenshots(visitor: Visitor, test: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for number, page in enumerate(visitor.pages):
        name = re.sub(r"[^\w-]+", "_", f"{test}-{visitor.username}-{number}")
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
