"""The site as an app: it can be installed, says calmly that it is offline, and leaves nothing of anybody on the device."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ServerMaker
from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import MESSAGE_BOX, TIMEOUT_MS, Visitor, new_visitor, start_chat
from tests.rig.daphne_server import EntreServer

SECRET = "the quinces are under the stairs"
HOLDS_THE_PAGE = "() => navigator.serviceWorker.controller !== null"
EVERYTHING_KEPT = """async () => {
    const kept = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) kept[new URL(request.url).pathname] = await (await cache.match(request)).text();
    }
    return kept;
}"""
WORKERS = "async () => (await navigator.serviceWorker.getRegistrations()).length"


def with_worker(person: Visitor, page: Page | None = None) -> None:
    """The worker stands beside this page now, with everything that it keeps."""
    (page or person.page).wait_for_function(HOLDS_THE_PAGE)


def test_the_browser_considers_the_site_installable(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    alice.page.goto("/chats/")
    with_worker(alice)
    devtools = alice.context.new_cdp_session(alice.page)
    told: dict[str, Any] = devtools.send("Page.getAppManifest")
    assert told["errors"] == []
    assert told["url"].endswith("/manifest/en.webmanifest")
    assert told["manifest"]["name"] == "Entre"
    found: dict[str, Any] = devtools.send("Page.getInstallabilityErrors")
    # A private window installs nothing, and every window of a test is one.
    assert {error["errorId"] for error in found["installabilityErrors"]} <= {"in-incognito"}


def test_a_reload_offline_shows_the_offline_page_until_the_connection_is_back(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.write(SECRET)
    alice.sees_state(SECRET, "sent")
    with_worker(alice)

    proxy.disconnect()
    alice.context.set_offline(True)
    alice.page.reload()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    expect(alice.page.locator("body")).not_to_contain_text(SECRET)
    assert alice.page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid", (
        "the style sheet is there, too"
    )
    assert alice.page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Onest'))")

    proxy.restore()
    alice.context.set_offline(False)
    alice.sees(SECRET)


def test_a_message_written_offline_is_sent_after_a_reload(visitor: VisitorMaker, proxy: TcpProxy) -> None:
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    with_worker(alice)
    proxy.disconnect()
    alice.context.set_offline(True)
    alice.write("from the tunnel")
    alice.sees_state("from the tunnel", "pending")
    alice.page.reload()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    proxy.restore()
    alice.context.set_offline(False)
    bob.sees("from the tunnel")


def test_the_service_worker_caches_no_message_and_no_page_of_an_account(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", name="Alice Unmistakable"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    with_worker(alice)
    alice.write(SECRET)
    alice.sees_state(SECRET, "sent")
    for path in (f"/chats/{room}/", "/people/", "/invites/", "/settings/profile/", "/chats/"):
        alice.page.goto(path)
        alice.until_idle()
    kept: dict[str, str] = alice.page.evaluate(EVERYTHING_KEPT)
    assert "/offline/" in kept
    assert {path for path in kept if not path.startswith("/static/")} == {"/offline/"}
    for text in kept.values():
        assert SECRET not in text
        assert "Unmistakable" not in text
        assert room not in text


def test_logging_out_removes_the_service_worker_and_its_caches(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    alice.page.goto("/chats/")
    with_worker(alice)
    alice.page.goto("/accounts/logout/")
    alice.page.get_by_role("button", name="Log out").click()
    alice.page.wait_for_url(f"{alice.address}/")
    alice.until(lambda: alice.page.evaluate(WORKERS) == 0, "the worker to go")
    assert alice.page.evaluate(EVERYTHING_KEPT) == {}


def test_pages_work_where_service_workers_are_blocked(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", service_workers="block"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    alice.until_loaded("pwa")
    alice.write("nobody stands beside this page")
    bob.sees("nobody stands beside this page")
    assert alice.page.evaluate("navigator.serviceWorker?.controller ?? null") is None


# --- A new version ---


@pytest.fixture
def own_server(start_server: ServerMaker) -> EntreServer:
    return start_server(LIMITS="off")


@pytest.fixture
def alice(chromium: Browser, own_server: EntreServer) -> Iterator[Visitor]:
    guest = new_visitor(chromium, own_server.address, "alice", name="Alice")
    yield guest
    guest.leave()


def restart(person: Visitor, server: EntreServer) -> None:
    """The page need not wait for its next try, which may be half a minute away by then."""
    server.stop()
    server.start()
    person.page.evaluate("dispatchEvent(new Event('focus'))")


def deploy_another_version(person: Visitor, server: EntreServer) -> None:
    """The server comes back, and says that it is another one than the page is of."""
    person.until_loaded("new-release")
    person.page.route("**/release", lambda route: route.fulfill(json={"release": "another"}))
    restart(person, server)


def test_after_a_deployment_an_open_page_says_that_there_is_a_new_version(
    alice: Visitor, own_server: EntreServer
) -> None:
    alice.page.goto("/chats/")
    line = alice.page.locator('[data-view="new-release"]')
    expect(line).to_be_hidden()
    deploy_another_version(alice, own_server)
    expect(line).to_be_visible()
    expect(line).to_contain_text("A new version is ready.")
    expect(alice.page.locator("#say-status")).to_contain_text("A new version is ready.")
    # The page that comes is of the version that answers now.
    alice.page.unroute("**/release")
    line.get_by_role("link", name="Reload").click()
    expect(alice.page.locator('[data-view="new-release"]')).to_be_hidden()


def test_after_a_restart_of_the_same_version_an_open_page_says_nothing(
    alice: Visitor, own_server: EntreServer
) -> None:
    alice.page.goto("/chats/")
    alice.until_loaded("new-release")
    with alice.page.expect_response("**/release", timeout=TIMEOUT_MS) as answer:
        restart(alice, own_server)
    assert answer.value.ok
    expect(alice.page.locator('[data-view="new-release"]')).to_be_hidden()


def test_a_hidden_page_with_typed_text_is_not_reloaded(
    alice: Visitor, own_server: EntreServer, chromium: Browser
) -> None:
    bob = new_visitor(chromium, own_server.address, "bob", name="Bob")
    room = start_chat(alice, bob)
    bob.leave()
    alice.open(room)
    alice.page.fill(MESSAGE_BOX, "half a sen")
    hide = "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"
    alice.page.evaluate("window.isTheSame = true")
    deploy_another_version(alice, own_server)
    expect(alice.page.locator('[data-view="new-release"]')).not_to_have_attribute("hidden", "")
    alice.page.evaluate(hide)
    assert alice.page.evaluate("window.isTheSame")
    expect(alice.box).to_have_value("half a sen")
    with alice.page.expect_navigation():
        alice.page.fill(MESSAGE_BOX, "")
        alice.page.evaluate(hide)
    alice.until_ready()
