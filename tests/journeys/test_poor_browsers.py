"""Browsers with missing or blocked features: sockets, storage, workers, or scripts that fail to load.

No text is lost.
"""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import MESSAGE_BOX, NO_STORAGE, Visitor, start_chat

# As in a browser that blocks site data: reading the property throws.
BLOCKED = """
const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"])
    Object.defineProperty(window, name, { get: refuse });
Object.defineProperty(Navigator.prototype, "serviceWorker", { get: refuse });
Object.defineProperty(Navigator.prototype, "locks", { get: () => ({ request: async () => refuse() }) });
"""
MISSING = {
    "no worker, channel between tabs, idle time, random UUIDs": """
        delete Navigator.prototype.serviceWorker;
        delete window.BroadcastChannel;
        delete window.requestIdleCallback;
        delete Crypto.prototype.randomUUID;
    """,
    "no locks, notifications, abort timeout, graphemes": """
        delete Navigator.prototype.locks;
        delete window.Notification;
        delete AbortSignal.timeout;
        delete Intl.Segmenter;
    """,
    "no recent features": """
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
    """,
    "site data blocked": BLOCKED,
    "storage full": NO_STORAGE,
}


ON_EVERY_PAGE = {"no recent features", "site data blocked", "storage full"}
"""The first of these lacks all the features that the others lack."""


@pytest.mark.parametrize("lack", MISSING)
def test_alice_and_bob_talk_whatever_feature_alices_browser_lacks(visitor: VisitorMaker, lack: str) -> None:
    """And none of her pages has an uncaught error."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.open(room)
    alice.context.add_init_script(MISSING[lack])
    alice.open(room)
    alice.until_loaded("chat-features")
    alice.until_idle()
    # Neither begins with a letter, so each is tested for being a single emoji.
    alice.write("20:00?")
    bob.sees("20:00?")
    bob.write("👍")
    alice.sees("20:00?", "👍")
    alice.sees_state("20:00?", "read")
    if lack in ON_EVERY_PAGE:
        for path in ("/chats/", "/people/", "/invites/", "/settings/profile/", "/settings/appearance/"):
            alice.page.goto(path)
            alice.until_idle()
    assert alice.faults == []
    alice.page.goto("/settings/")
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("link", name="Log in")).to_be_visible()


@pytest.mark.parametrize("lack", ["site data blocked", "storage full"])
def test_without_storage_the_browser_asks_before_typed_text_is_lost(visitor: VisitorMaker, lack: str) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.context.add_init_script(MISSING[lack])
    alice.open(room)
    alice.until_loaded("unsent-notice")
    alice.until_idle()
    alice.box.press_sequentially("half a thought")
    alice.page.evaluate("location.assign('/people/')")
    alice.until(lambda: bool(alice.faults), "the dialog of the browser")
    assert alice.faults == ["dialog: "]
    expect(alice.box).to_have_value("half a thought")
    alice.faults.clear()
    # Once it is sent, the browser does not ask.
    alice.box.press("Enter")
    alice.sees_state("half a thought", "sent")
    alice.page.goto("/people/")
    assert alice.faults == []


def test_without_websocket_messages_go_over_http_and_a_notice_says_so(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.open(room)
    alice.context.add_init_script("delete window.WebSocket")
    alice.open(room)
    alice.until_loaded("unsent-notice")
    notice = "No live connection. New messages are fetched every few seconds."
    expect(alice.strip).to_contain_text(notice)
    expect(alice.page.locator("#say-status")).to_have_text(notice)
    alice.write("over HTTP")
    bob.sees("over HTTP")
    # Not "sent": the receipt of Bob's open page may arrive first.
    alice.sees_state("over HTTP", "read")
    bob.write("an answer")
    alice.sees("over HTTP", "an answer")
    bob.sees_state("an answer", "read")
    alice.box.press_sequentially("half a thought")
    # Events that make a page reconnect do not make it use the missing WebSocket.
    alice.page.evaluate("for (const type of ['offline', 'online', 'focus']) dispatchEvent(new Event(type))")
    alice.until_draft_stored()
    alice.page.reload()
    alice.until_ready()
    alice.sees("over HTTP", "an answer")
    expect(alice.box).to_have_value("half a thought")
    assert alice.faults == []


REFUSE_SOCKETS = """
window.WebSocket = class {
  readyState = 0;
  constructor() { setTimeout(() => { this.readyState = 3; this.onclose?.({ code: 1006 }); }); }
  send() {}
  close() {}
};
"""


def test_where_every_socket_is_refused_messages_go_over_http(
    visitor: VisitorMaker,
) -> None:
    """As behind a proxy without WebSocket support, or on a server with ALLOWED_HOSTS but no PUBLIC_URL."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.open(room)
    alice.context.add_init_script(REFUSE_SOCKETS)
    alice.open(room)
    alice.write("over HTTP")
    bob.sees("over HTTP")
    # Not "sent": the receipt of Bob's open page may arrive first.
    alice.sees_state("over HTTP", "read")
    bob.write("an answer")
    alice.sees("over HTTP", "an answer")
    bob.sees_state("an answer", "read")
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


def test_lazy_scripts_that_failed_to_load_are_requested_again(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.page.clock.install()
    block_scripts(alice, *LAZY_SCRIPTS)
    alice.open(room)
    alice.until(
        lambda: len([error for error in alice.reported_errors if ".js" in error]) >= len(LAZY_SCRIPTS) - 1,
        "all of them to fail",
    )
    alice.page.unroute_all()
    alice.page.clock.run_for(6_000)
    for module in LAZY_SCRIPTS:
        alice.until_loaded(module)
    assert alice.faults == []


def test_a_chat_works_without_its_lazy_scripts(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    block_scripts(alice, *LAZY_SCRIPTS)
    alice.open(room)
    bob.open(room)
    alice.until(
        lambda: len([error for error in alice.reported_errors if ".js" in error]) >= len(LAZY_SCRIPTS) - 1,
        "all of them to fail",
    )
    alice.write("Can you read me?")
    bob.sees("Can you read me?")
    bob.write("Yes")
    alice.sees("Can you read me?", "Yes")
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
    assert alice.faults == []


def test_a_script_that_failed_to_load_is_requested_when_the_connection_returns(
    visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    alice, bob = visitor("alice", address=proxy.address), visitor("bob")
    room = start_chat(alice, bob)
    block_scripts(alice, "connection-view")
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


def test_a_page_whose_script_fails_to_load_works_by_its_forms(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    block_scripts(alice, "timeline")
    alice.page.goto(f"/chats/{room}/")
    alice.until_idle()
    expect(alice.page.locator(f"{MESSAGE_BOX}[enterkeyhint]")).to_have_count(0)
    alice.box.fill("by form")
    alice.page.get_by_role("button", name="Send").click()
    expect(alice.bodies()).to_have_text(["by form"])
    assert alice.faults == []
