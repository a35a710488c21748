"""Browsers with missing or blocked features: sockets, storage, workers, or scripts that fail to load.

No text is lost.
"""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import MESSAGE_BOX, NO_STORAGE, Visitor, block_sends, start_chat

# As in a browser that blocks site data: reading the property throws.
BLOCKED = """
const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"])
    Object.defineProperty(window, name, { get: refuse });
Object.defineProperty(Navigator.prototype, "serviceWorker", { get: refuse });
Object.defineProperty(Navigator.prototype, "locks", { get: () => ({ request: async () => refuse() }) });
"""
OLD = """
    for (const name of [
        "Segmenter", "PluralRules", "NumberFormat", "RelativeTimeFormat", "getCanonicalLocales",
    ]) delete Intl[name];
    for (const name of ["at", "findLast", "findLastIndex", "toSorted"]) delete Array.prototype[name];
    for (const name of ["at", "replaceAll"]) delete String.prototype[name];
    for (const name of [
        "serviceWorker", "locks", "clipboard", "share", "setAppBadge",
    ]) delete Navigator.prototype[name];
    for (const name of [
        "BroadcastChannel", "Notification", "requestIdleCallback", "IntersectionObserver",
        "ResizeObserver", "structuredClone", "visualViewport", "reportError", "ClipboardItem",
        "scheduler", "AudioContext",
    ]) delete window[name];
    for (const name of ["timeout", "any"]) delete AbortSignal[name];
    delete Object.hasOwn;
    delete Crypto.prototype.randomUUID;
    delete Element.prototype.checkVisibility;
    delete Document.prototype.startViewTransition;
    Object.defineProperty(Navigator.prototype, "languages", { get: () => ["en_US", "en-US@posix"] });
"""
NO_STORAGES = {"site data blocked": BLOCKED, "storage full": NO_STORAGE}
PAGES = ("/chats/", "/people/", "/invites/", "/settings/profile/", "/settings/appearance/")


def expect_talk(alice: Visitor, bob: Visitor, room: str, *before: str) -> None:
    """Bob writes and reads on another device. Alice's page shows his message and receipt, and sends hers."""
    text = f"2{len(before)}:00?"
    # Neither begins with a letter, so each is tested for being a single emoji.
    alice.write(text)
    alice.until_stored(room, *before, text)
    bob.send(room, "👍")
    bob.mark_read(room, len(before) + 2)
    alice.sees(*before, text, "👍")
    alice.sees_state(text, "read")
    alice.until_equal(
        lambda: bob.person.api("GET", f"/conversations/{room}").json()["peer_read"],
        len(before) + 2,
        "the receipt that Bob gets",
    )


def expect_no_fault_on_other_pages(alice: Visitor, *paths: str) -> None:
    for path in paths:
        alice.page.goto(path)
        alice.until_idle()
    assert alice.faults == []
    alice.page.goto("/settings/")
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("link", name="Log in")).to_be_visible()


def test_alice_and_bob_talk_though_alices_browser_lacks_all_recent_features(visitor: VisitorMaker) -> None:
    """Worker, locks, channel between tabs, notifications, idle time, random UUIDs, graphemes and more.

    None of her pages has an uncaught error.
    """
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.context.add_init_script(OLD)
    alice.open(room)
    alice.until_loaded("chat-features")
    alice.until_idle()
    expect_talk(alice, bob, room)
    expect_no_fault_on_other_pages(alice, *PAGES)


@pytest.mark.parametrize("lack", NO_STORAGES)
def test_without_storage_alice_and_bob_talk_and_alice_is_warned_before_unsent_or_typed_text_is_lost(
    visitor: VisitorMaker, lack: str
) -> None:
    """And none of her pages has an uncaught error."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.context.add_init_script(NO_STORAGES[lack])
    allow_sends = block_sends(alice.page)
    alice.open(room)
    for module in ("chat-features", "unsent-notice"):
        alice.until_loaded(module)
    alice.until_idle()
    warning = alice.page.get_by_text(
        "This browser can’t keep unsent messages. Leave this page open until they are sent."
    ).first
    expect(warning).to_be_hidden()
    alice.write("only in this page")
    alice.sees_state("only in this page", "pending")
    expect(warning).to_be_visible()
    expect(alice.page.locator("#say-status")).to_contain_text("can’t keep unsent messages")
    allow_sends()
    alice.sees_state("only in this page", "sent")
    expect(warning).to_be_hidden()
    expect_talk(alice, bob, room, "only in this page")

    alice.box.press_sequentially("half a thought")
    alice.page.evaluate("location.assign('/people/')")
    alice.until(lambda: bool(alice.faults), "the dialog of the browser")
    assert alice.faults == ["dialog: "]
    expect(alice.box).to_have_value("half a thought")
    alice.faults.clear()
    # Once it is sent, the browser does not ask.
    alice.box.press("Enter")
    alice.sees_state("half a thought", "sent")
    # A storage that is full and one that is blocked are met in the same places (tests/js).
    expect_no_fault_on_other_pages(alice, *(PAGES if lack == "site data blocked" else ()))


REFUSE_SOCKETS = """
window.WebSocket = class {
  readyState = 0;
  constructor() { setTimeout(() => { this.readyState = 3; this.onclose?.({ code: 1006 }); }); }
  send() {}
  close() {}
};
"""


def test_without_websocket_or_where_every_socket_is_refused_messages_go_over_http(
    visitor: VisitorMaker,
) -> None:
    """Refused as behind a proxy without WebSocket support, or with ALLOWED_HOSTS but no PUBLIC_URL."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.page.add_init_script("delete window.WebSocket")
    alice.open(room)
    alice.until_loaded("unsent-notice")
    notice = "No live connection. New messages are fetched every few seconds."
    expect(alice.strip).to_contain_text(notice)
    expect(alice.page.locator("#say-status")).to_have_text(notice)
    expect_talk(alice, bob, room)
    alice.box.press_sequentially("half a thought")
    # Events that make a page reconnect do not make it use the missing WebSocket.
    alice.page.evaluate("for (const type of ['offline', 'online', 'focus']) dispatchEvent(new Event(type))")
    alice.until_draft_stored()
    alice.page.close()

    alice.page = alice.new_page()
    alice.page.add_init_script(REFUSE_SOCKETS)
    alice.open(room)
    alice.sees("20:00?", "👍")
    expect(alice.box).to_have_value("half a thought")
    alice.box.press("Enter")
    alice.sees_state("half a thought", "sent")
    expect_talk(alice, bob, room, "20:00?", "👍", "half a thought")
    assert alice.faults == []


def block_scripts(person: Visitor, *modules: str) -> None:
    """Abort requests for these scripts until `unroute_all`."""
    wanted = re.compile(rf"/js/.*/({'|'.join(modules)})(\.\w+)?\.js$")

    def abort(route: Route) -> None:
        route.abort()

    person.page.route(wanted, abort)


LAZY_SCRIPTS = (
    "buttons",
    "connection-view",
    "unsent-notice",
    "chat-features",
    "pwa",
    "signed-out",
    "history-view",
    "history",
    "presence-view",
    "toast",
)


def until_they_failed(person: Visitor) -> None:
    person.until(
        lambda: len([error for error in person.reported_errors if ".js" in error]) >= len(LAZY_SCRIPTS) - 1,
        "all of them to fail",
    )


def test_a_chat_works_without_its_lazy_scripts_which_are_requested_again(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    block_scripts(alice, *LAZY_SCRIPTS)
    alice.open(room)
    until_they_failed(alice)
    expect_talk(alice, bob, room)
    # The session ends. The dialog fails to load, too, so the page opens the log-in itself, and the text is
    # kept.
    alice.box.press_sequentially("half a thought")
    alice.page.unroute_all()
    block_scripts(alice, "signed-out")
    alice.person.log_out()
    expect(alice.page).to_have_url(re.compile("/accounts/login/"))
    alice.log_in(at="")
    alice.until_ready()
    expect(alice.box).to_have_value("half a thought")

    alice.page.unroute_all()
    alice.until_idle()
    alice.page.clock.install()
    block_scripts(alice, *LAZY_SCRIPTS)
    alice.reported_errors.clear()
    alice.page.reload()
    until_they_failed(alice)
    alice.loaded.clear()
    alice.page.unroute_all()
    alice.page.clock.run_for(6_000)
    for module in LAZY_SCRIPTS:
        alice.until_loaded(module)
    assert alice.faults == []


def test_a_page_whose_script_fails_works_by_its_forms_and_a_lazy_script_is_requested_on_reconnecting(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    room = start_chat(alice, bob)
    block_scripts(alice, "timeline")
    alice.page.goto(f"/chats/{room}/")
    alice.until_idle()
    expect(alice.page.locator(f"{MESSAGE_BOX}[enterkeyhint]")).to_have_count(0)
    alice.box.fill("by form")
    alice.page.get_by_role("button", name="Send").click()
    expect(alice.bodies()).to_have_text(["by form"])

    alice.page.unroute_all()
    block_scripts(alice, "connection-view")
    alice.reported_errors.clear()
    alice.open(room)
    alice.until(lambda: any("connection-view" in error for error in alice.reported_errors), "it to fail")
    alice.page.unroute_all()
    proxy.disconnect()
    alice.write("while offline")
    alice.sees_state("while offline", "pending")
    proxy.restore()
    alice.until_loaded("connection-view")
    alice.sees_state("while offline", "sent")
    assert alice.faults == []
