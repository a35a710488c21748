"""The installable app: manifest, offline page, service worker caches, and the notice about a new version."""

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
HAS_WORKER = "() => navigator.serviceWorker.controller !== null"
CACHED = """async () => {
    const cached = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const response = await cache.match(request);
            cached[new URL(request.url).pathname] = await response.text();
        }
    }
    return cached;
}"""
WORKERS = "async () => (await navigator.serviceWorker.getRegistrations()).length"


def until_worker_active(person: Visitor, page: Page | None = None) -> None:
    """Wait until the service worker controls the page and has filled its cache."""
    (page or person.page).wait_for_function(HAS_WORKER)


def test_the_browser_considers_the_site_installable(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    alice.page.goto("/chats/")
    until_worker_active(alice)
    devtools = alice.context.new_cdp_session(alice.page)
    manifest: dict[str, Any] = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest/en.webmanifest")
    assert manifest["manifest"]["name"] == "Entre"
    found: dict[str, Any] = devtools.send("Page.getInstallabilityErrors")
    # Chromium installs nothing from a private window, and every test window is one.
    assert {error["errorId"] for error in found["installabilityErrors"]} <= {"in-incognito"}


def test_a_reload_offline_shows_the_offline_page_until_the_connection_is_back(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.write(SECRET)
    alice.sees_state(SECRET, "sent")
    until_worker_active(alice)

    proxy.disconnect()
    alice.context.set_offline(True)
    alice.page.reload()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    expect(alice.page.locator("body")).not_to_contain_text(SECRET)
    assert alice.page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid", (
        "the style sheet is cached, too"
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
    until_worker_active(alice)
    proxy.disconnect()
    alice.context.set_offline(True)
    alice.write("written offline")
    alice.sees_state("written offline", "pending")
    alice.page.reload()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    proxy.restore()
    alice.context.set_offline(False)
    bob.sees("written offline")


def test_the_service_worker_caches_no_message_and_no_page_of_an_account(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", name="Alice Unmistakable"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    until_worker_active(alice)
    alice.write(SECRET)
    alice.sees_state(SECRET, "sent")
    for path in (f"/chats/{room}/", "/people/", "/invites/", "/settings/profile/", "/chats/"):
        alice.page.goto(path)
        alice.until_idle()
    cached: dict[str, str] = alice.page.evaluate(CACHED)
    assert "/offline/" in cached
    assert {path for path in cached if not path.startswith("/static/")} == {"/offline/"}
    for text in cached.values():
        assert SECRET not in text
        assert "Unmistakable" not in text
        assert room not in text


def test_logging_out_removes_the_service_worker_and_its_caches(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    alice.page.goto("/chats/")
    until_worker_active(alice)
    alice.page.goto("/accounts/logout/")
    alice.page.get_by_role("button", name="Log out").click()
    alice.page.wait_for_url(f"{alice.address}/")
    alice.until(lambda: alice.page.evaluate(WORKERS) == 0, "the worker to be removed")
    assert alice.page.evaluate(CACHED) == {}


def test_pages_work_where_service_workers_are_blocked(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", service_workers="block"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    alice.until_loaded("pwa")
    alice.write("without a service worker")
    bob.sees("without a service worker")
    assert alice.page.evaluate("navigator.serviceWorker?.controller ?? null") is None


# --- A new version ---


@pytest.fixture
def own_server(start_server: ServerMaker) -> EntreServer:
    return start_server(LIMITS="off")


@pytest.fixture
def alice(chromium: Browser, own_server: EntreServer) -> Iterator[Visitor]:
    alice = new_visitor(chromium, own_server.address, "alice", name="Alice")
    yield alice
    alice.leave()


def restart(person: Visitor, server: EntreServer) -> None:
    """Restart the server, and make the page reconnect at once instead of after up to half a minute."""
    server.stop()
    server.start()
    person.page.evaluate("dispatchEvent(new Event('focus'))")


def deploy_another_version(person: Visitor, server: EntreServer) -> None:
    """Restart the server with another release name than the one of the page."""
    person.until_loaded("new-release")
    person.page.route("**/release", lambda route: route.fulfill(json={"release": "another"}))
    restart(person, server)


def test_an_open_page_says_nothing_of_a_restart_and_that_there_is_a_new_version_after_a_deployment(
    alice: Visitor, own_server: EntreServer
) -> None:
    alice.page.goto("/chats/")
    alice.until_loaded("new-release")
    with alice.page.expect_response("**/release", timeout=TIMEOUT_MS) as answer:
        restart(alice, own_server)
    assert answer.value.ok
    notice = alice.page.locator('[data-view="new-release"]')
    expect(notice).to_be_hidden()
    deploy_another_version(alice, own_server)
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("A new version is ready.")
    expect(alice.page.locator("#say-status")).to_contain_text("A new version is ready.")
    # The reloaded page is of the current release.
    alice.page.unroute("**/release")
    notice.get_by_role("link", name="Reload").click()
    expect(alice.page.locator('[data-view="new-release"]')).to_be_hidden()


def test_a_hidden_page_with_typed_text_is_not_reloaded(
    alice: Visitor, own_server: EntreServer, chromium: Browser
) -> None:
    bob = new_visitor(chromium, own_server.address, "bob", name="Bob")
    room = start_chat(alice, bob)
    bob.leave()
    alice.open(room)
    alice.page.fill(MESSAGE_BOX, "half a sen")
    hide = (
        "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
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
