"""The installable app: manifest, offline page, service worker caches, and the notice about a new version."""

from typing import Any

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import TIMEOUT_MS, Visitor, start_chat

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
HIDE = """() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
WORKERS = "async () => (await navigator.serviceWorker.getRegistrations()).length"


def until_worker_active(person: Visitor) -> None:
    """Wait until the service worker controls the page and has filled its cache."""
    person.page.wait_for_function(HAS_WORKER)


def test_offline_a_reload_shows_the_offline_page_and_what_was_written_is_sent_when_the_connection_is_back(
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
    alice.write("written offline")
    alice.sees_state("written offline", "pending")
    alice.page.reload()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    expect(alice.page.locator("body")).not_to_contain_text(SECRET)
    assert alice.page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid", (
        "the style sheet is cached, too"
    )
    assert alice.page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Onest'))")

    proxy.restore()
    alice.context.set_offline(False)
    alice.sees(SECRET, "written offline")
    bob.until_stored(room, SECRET, "written offline")


def test_the_service_worker_caches_no_message_and_no_page_of_an_account(visitor: VisitorMaker) -> None:
    """The browser considers the site installable. Logging out removes the worker and what it has cached."""
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

    devtools = alice.context.new_cdp_session(alice.page)
    manifest: dict[str, Any] = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest/en.webmanifest")
    assert manifest["manifest"]["name"] == "Entre"
    found: dict[str, Any] = devtools.send("Page.getInstallabilityErrors")
    # Chromium installs nothing from a private window, and every test window is one.
    assert {error["errorId"] for error in found["installabilityErrors"]} <= {"in-incognito"}

    alice.page.goto("/accounts/logout/")
    alice.page.get_by_role("button", name="Log out").click()
    alice.page.wait_for_url(f"{alice.address}/")
    alice.until(lambda: alice.page.evaluate(WORKERS) == 0, "the worker to be removed")
    assert alice.page.evaluate(CACHED) == {}


# --- A new version ---


def reconnect(person: Visitor, proxy: TcpProxy) -> None:
    """Break the connection of the page, and make it reconnect at once, not after up to half a minute."""
    proxy.disconnect()
    proxy.restore()
    person.page.evaluate("dispatchEvent(new Event('focus'))")


def test_an_open_page_says_nothing_of_a_reconnect_and_that_there_is_a_new_version_after_a_deployment(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    """A page that is hidden is reloaded, unless it has typed text.

    That a restart keeps the release: tests/project/test_pwa.py.
    """
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    alice.open(start_chat(alice, bob))
    alice.until_loaded("new-release")
    alice.until_idle()
    with alice.page.expect_response("**/release", timeout=TIMEOUT_MS) as answer:
        reconnect(alice, proxy)
    assert answer.value.ok
    notice = alice.page.locator('[data-view="new-release"]')
    expect(notice).to_be_hidden()

    alice.page.route("**/release", lambda route: route.fulfill(json={"release": "another"}))
    alice.box.fill("half a sen")
    reconnect(alice, proxy)
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("A new version is ready.")
    expect(alice.page.locator("#say-status")).to_contain_text("A new version is ready.")
    alice.page.evaluate("window.isTheSame = true")
    alice.page.evaluate(HIDE)
    assert alice.page.evaluate("window.isTheSame")
    expect(alice.box).to_have_value("half a sen")
    with alice.page.expect_navigation():
        alice.box.fill("")
        alice.page.evaluate(HIDE)
    alice.until_ready()

    # The page that is reloaded for the second time is of the current release.
    alice.until_loaded("new-release")
    alice.until_idle()
    reconnect(alice, proxy)
    expect(notice).to_be_visible()
    alice.page.unroute("**/release")
    notice.get_by_role("link", name="Reload").click()
    expect(notice).to_be_hidden()
    alice.until_ready()
