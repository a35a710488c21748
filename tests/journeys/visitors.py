"""A person at a browser window: signs up, opens a chat, writes, and sees what stands on the page.

Whatever a page does that nobody asked for (an uncaught error, a refusal by the Content-Security-Policy, a dialog, a request to another
server) is noted as a fault of that visitor, and the test ends with it.
"""

import json
import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    Route,
    WebSocket,
    WebSocketRoute,
    expect,
)

from tests.rig.people import PASSWORD, Person

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK: Any = {"width": 1280, "height": 800}
TIMEOUT_MS = 30_000
POLL_INTERVAL_MS = 20
# After whatever the page itself has put off in the same way (static/js/lib/timing.js).
IDLE = """async () => {
    const wait = window.requestIdleCallback ? (run) => requestIdleCallback(run, { timeout: 500 }) : (run) => setTimeout(run, 200);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(wait);
}"""
MESSAGE_BOX = "textarea[name=body]"


class Visitor:
    """One person at one browser (a context of its own), with the few things that every journey does.

    The browser opens when it is first looked at: who only writes from another device needs none.

    Args:
        open_context: makes the browser's own cookies and storage.
        address: where this visitor finds the service; a line that can be cut has an address of its own.
        username: the handle; the name shown to others is `name`.
    """

    def __init__(
        self, open_context: Callable[[], BrowserContext], address: str, username: str, name: str
    ) -> None:
        self.open_context = open_context
        self.address = address
        self.username = username
        self.name = name
        self.faults: list[str] = []
        self.reported_errors: list[str] = []
        """Console errors and failed requests: faults only where nothing was broken on purpose."""
        self.loaded: set[str] = set()
        self.pending_requests: set[Request] = set()
        """What its tabs have asked for and not got yet."""
        self.person = Person(address, username, name)
        """The same person at another device, without a browser."""

    # --- The window ---

    @cached_property
    def context(self) -> BrowserContext:
        return self.open_context()

    @cached_property
    def page(self) -> Page:
        return self.new_page()

    def new_page(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("console", self._listen)
        page.on("dialog", self._refuse)
        page.on("request", self._watch)
        page.on("requestfinished", self._note_arrival)
        page.on("requestfailed", self._note_failure)
        page.on("websocket", self._watch_socket)
        return page

    def _listen(self, message: ConsoleMessage) -> None:
        if re.search(r"Content Security Policy|Refused to", message.text):
            self.faults.append(f"policy: {message.text}")
        if message.type == "error":
            self.reported_errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _refuse(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _watch(self, request: Request) -> None:
        if urlsplit(request.url).scheme in {"http", "https"} and not request.url.startswith(
            f"{self.address}/"
        ):
            self.faults.append(f"asked somebody else: {request.url}")
        self.pending_requests.add(request)

    def _note_arrival(self, request: Request) -> None:
        self.pending_requests.discard(request)
        self.loaded.add(urlsplit(request.url).path)

    def _watch_socket(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc != urlsplit(self.address).netloc:
            self.faults.append(f"asked somebody else: {socket.url}")

    def _note_failure(self, request: Request) -> None:
        self.pending_requests.discard(request)
        # What a page still loaded when it was left is nobody's failure.
        if request.failure != "net::ERR_ABORTED":
            self.reported_errors.append(f"{request.failure}: {request.url}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that is not on the page."""
        deadline = time.monotonic() + TIMEOUT_MS / 1_000
        while not condition():
            assert time.monotonic() < deadline, f"{self.username} waited in vain for {what}"
            self.page.wait_for_timeout(POLL_INTERVAL_MS)

    def until_equal(self, read: Callable[[], Any], expected: Any, what: str) -> None:
        """Wait until something that is not drawn by this page (the server, a storage, another tab) has this value; a failure shows both.

        An assertion right after a local event would be a race: what a page draws at once may not be stored yet.
        """
        deadline = time.monotonic() + TIMEOUT_MS / 1_000
        while (value := read()) != expected:
            assert time.monotonic() < deadline, f"{what}: {value!r}, expected {expected!r}"
            self.page.wait_for_timeout(POLL_INTERVAL_MS)

    def until_stored(self, room: str, *bodies: str) -> None:
        """Wait until the server holds exactly these messages of the room, in this order."""

        def stored() -> list[str]:
            return [
                message["body"]
                for message in self.person.api("GET", f"/conversations/{room}/messages?limit=100").json()[
                    "items"
                ]
            ]

        self.until_equal(stored, list(bodies), f"the stored messages of {self.username}'s chat")

    def until_loaded(self, module: str) -> None:
        """The page has fetched this script; what it loads when idle must be there before a line is cut."""
        self.until(
            lambda: any(re.search(rf"/{module}(\.\w+)?\.js$", path) for path in self.loaded), f"{module}.js"
        )

    def until_idle(self) -> None:
        """Whatever the page asked for has come or failed, and it has had time for what it does when it has time."""
        self.page.wait_for_load_state()
        is_quiet = False
        while not is_quiet:
            self.until(lambda: not self.pending_requests, "all that the page asked for")
            # What has come may ask for more.
            self.page.evaluate(IDLE)
            is_quiet = not self.pending_requests

    @property
    def pages(self) -> list[Page]:
        """Every tab, without opening one."""
        return self.context.pages if "context" in vars(self) else []

    def leave(self) -> None:
        self.person.leave()
        if "context" in vars(self):
            self.context.close()

    # --- The account ---

    def sign_up(self, *, at: str = "/accounts/signup/", listed: bool = True) -> None:
        """Fill in the sign-up form that is at this address (or on the page, for ""), as a person does."""
        if at:
            self.page.goto(at)
        self.page.fill("input[name=username]", self.username)
        self.page.fill("input[name=name]", self.name)
        self.page.fill("input[name=password1]", PASSWORD)
        self.page.locator("input[name=listed]").set_checked(listed)
        self.page.get_by_role("button", name="Create account").click()
        self.page.wait_for_url(lambda address: "/accounts/" not in address)

    def log_in(self, *, at: str = "/accounts/login/") -> None:
        if at:
            self.page.goto(at)
        self.page.fill("input[name=login]", self.username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda address: "/accounts/" not in address)

    # --- The chat ---

    def open(self, room: str, *, page: Page | None = None) -> None:
        """Open a chat and wait until the script answers the keys."""
        page = page or self.page
        page.goto(f"/chats/{room}/")
        self.until_ready(page)

    def until_ready(self, page: Page | None = None) -> None:
        """The message box is the script's now."""
        expect((page or self.page).locator(f"{MESSAGE_BOX}[enterkeyhint]")).to_be_visible()

    @property
    def room(self) -> str:
        return urlsplit(self.page.url).path.strip("/").split("/")[1]

    @property
    def box(self) -> Locator:
        return self.page.locator(MESSAGE_BOX)

    def write(self, body: str) -> None:
        self.box.fill(body)
        self.box.press("Enter")

    def message(self, body: str, *, page: Page | None = None) -> Locator:
        """The message with exactly this text."""
        exactly = re.compile(rf"^{re.escape(body)}$")
        page = page or self.page
        return page.locator('[data-view="timeline"] > li[data-id]').filter(
            has=page.locator('[data-part="body"]', has_text=exactly)
        )

    def bodies(self, page: Page | None = None) -> Locator:
        return (page or self.page).locator('[data-view="timeline"] > li[data-id] [data-part="body"]')

    def sees(self, *bodies: str, page: Page | None = None) -> None:
        """These messages stand in the chat, in this order, and no others."""
        expect(self.bodies(page)).to_have_text(list(bodies), use_inner_text=False)

    def sees_state(self, body: str, state: str) -> None:
        expect(self.message(body)).to_have_attribute("data-state", state)

    def row(self, room: str, *, page: Page | None = None) -> Locator:
        return (page or self.page).locator(f'[data-view="rows"] > li[data-room="{room}"]')

    @property
    def strip(self) -> Locator:
        return self.page.locator('[data-view="connection"]')


def new_visitor(
    chromium: Browser, address: str, username: str, *, name: str, signed_up: bool = True, **options: Any
) -> Visitor:
    """A new browser at this service. The account exists and the browser is signed in, unless `signed_up` is false."""
    usual = {
        "base_url": address,
        "viewport": DESK,
        "locale": "en-GB",
        "timezone_id": "UTC",
        "reduced_motion": "reduce",
    }

    def open_context() -> BrowserContext:
        context = chromium.new_context(**{**usual, **options})
        context.set_default_timeout(TIMEOUT_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        if signed_up:
            context.add_cookies(session_cookies(guest.person))
        return context

    guest = Visitor(open_context, address, username, name)
    if signed_up:
        guest.person.sign_up()
    return guest


def session_cookies(person: Person) -> list[Any]:
    """With these the browser is signed in already: for journeys that are about something else."""
    return [
        {
            "name": cookie.name,
            "value": str(cookie.value),
            "url": person.address,
            "httpOnly": cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly"),
        }
        for cookie in person.http.cookies.jar
    ]


def start_chat(one: Visitor, other: Visitor) -> str:
    """They have a chat, empty yet and open for both (an empty one is there only for who opened it). Returns its room."""
    room = one.person.open_chat_with(other.person)
    assert other.person.open_chat_with(one.person) == room
    return room


def block_http_sends(page: Page, *, unless: Callable[[], bool] = lambda: False) -> None:
    """Where no socket opens the page sends over HTTP; in this window that way is shut, too, until `unless` says otherwise."""

    def route(request: Route) -> None:
        if request.request.method == "POST" and not unless():
            request.abort()
        else:
            request.continue_()

    page.route("**/api/v1/conversations/*/messages", route)


def reject_sends(page: Page) -> None:
    """The server takes no message of this window."""

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def carry(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "message.send":
                socket.send(
                    json.dumps(
                        {"type": "error", "code": "cannot_deliver", "retryable": False, "id": frame["id"]}
                    )
                )
            else:
                server.send(message)

        socket.on_message(carry)

    page.route_web_socket("**/ws/**", route)


def show_failed_messages_offline(person: Visitor, room: str) -> None:
    """In this chat stand the strip, two messages that failed and the line about them."""
    reject_sends(person.page)
    person.open(room)
    person.until_loaded("unsent-notice")
    person.until_idle()
    for body in ("one", "two"):
        person.write(body)
        person.sees_state(body, "failed")
    expect(person.page.get_by_text("2 messages not sent.", exact=True)).to_be_visible()
    person.context.set_offline(True)
    person.page.evaluate("dispatchEvent(new Event('offline'))")
    expect(person.strip).to_have_attribute("data-state", "offline")


def log_in_as_another_user(person: Visitor) -> Locator:
    """Somebody else logs in in another tab of this browser. The open chat finds out with its next connection, and says so."""
    sockets: list[WebSocketRoute] = []

    def carry(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    person.page.route_web_socket("**/ws/**", carry)
    person.page.reload()
    person.until_ready()
    person.until_loaded("session-end")
    person.until(lambda: bool(sockets), "a socket")
    other = Person(person.address, f"{person.username}b", "Somebody else")
    other.sign_up()
    person.context.add_cookies(session_cookies(other))
    other.leave()
    sockets[-1].close()
    dialog = person.page.get_by_role("dialog", name="Another account is logged in to this browser now.")
    expect(dialog).to_be_visible()
    return dialog


STICKING_OUT = """() => {
    const all = [document.documentElement, ...document.body.querySelectorAll("*")];
    const isSeen = (element) => !element.closest("textarea, input, svg, template, .sr-only, .skip-link, [inert]") && element.checkVisibility();
    const scrolls = (element) => {
        const isScroller = element === document.documentElement || ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
        return isScroller && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    };
    const endsInDots = (element) => element && (getComputedStyle(element).textOverflow === "ellipsis" || endsInDots(element.parentElement));
    const isOutside = (element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -1 || right > document.documentElement.clientWidth + 1) && !endsInDots(element);
    };
    return all.filter(isSeen).filter((element) => scrolls(element) || isOutside(element)).map((element) => element.outerHTML.slice(0, 200));
}"""


def click_outside(page: Page, dialog: Locator) -> None:
    """A press on the dialog's own rim changes nothing; one beside it closes."""
    expect(dialog).to_be_visible()
    rim = dialog.bounding_box()
    assert rim
    page.mouse.click(rim["x"] + 5, rim["y"] + rim["height"] / 2)
    expect(dialog).to_be_visible()
    page.mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def expect_no_overflow(page: Page) -> None:
    """Nothing sticks out: no pane can be pushed to the side, and nothing is cut off at the edge of the window."""
    wide: list[str] = page.evaluate(STICKING_OUT)
    assert not wide, f"{page.url} at {page.viewport_size} is too wide: {wide}"
