"""A user in a browser, and the steps that the journeys share: sign up, open a chat, write, read the page.

An uncaught error, a violation of the Content-Security-Policy, an unexpected dialog and a request to another
server are recorded as faults of the visitor. A test whose visitors have faults at its end fails.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    Response,
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
    # A microphone that beeps, and a user who lets a page listen to it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
WRITES = {"POST", "PATCH"}
DESK: Any = {"width": 1280, "height": 800}
PHONE: Any = {"width": 390, "height": 844}
PHONE_OPTIONS: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
TIMEOUT_MS = 30_000
# Three idle callbacks: the page schedules its own lazy loading with them (static/js/lib/timing.js).
IDLE = """async () => {
    const wait = window.requestIdleCallback
        ? (run) => requestIdleCallback(run, { timeout: 500 })
        : (run) => setTimeout(run, 200);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(wait);
}"""
NO_STORAGE = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
MESSAGE_BOX = "textarea[name=body]"
# The script that handles shortcuts gives the link this attribute.
SWITCHER_BUTTON = '[data-action="switch"][aria-haspopup]'


def pauses() -> Iterator[int]:
    """Milliseconds to wait before looking again: short at first, then longer, because each look takes
    processor time from what is waited for. 0 after the last one."""
    deadline = time.monotonic() + TIMEOUT_MS / 1_000
    pause = 20.0
    while time.monotonic() < deadline:
        yield round(pause)
        pause = min(200, 1.3 * pause)
    yield 0


@contextmanager
def saving(page: Page, *, times: int = 1) -> Iterator[None]:
    """Wait until the server has answered so many changes that save themselves.

    The page says "Saved" for two seconds only, so a busy machine may look too late.
    """
    answers: list[int] = []

    def note(answer: Response) -> None:
        if answer.request.method in WRITES:
            answers.append(answer.status)

    page.on("response", note)
    yield
    for pause in pauses():
        if len(answers) >= times:
            break
        assert pause, f"{len(answers)} of {times} changes were answered"
        page.wait_for_timeout(pause)
    page.remove_listener("response", note)
    assert all(status < 400 for status in answers), answers


class Visitor:
    """One user in one browser context.

    The context opens when it is first used; a visitor that only sends through the API needs none.

    Args:
        open_context: creates the context, with its own cookies and storage.
        address: where this visitor reaches the server; a proxy has an address of its own.
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
        """Console errors and failed requests. They are expected where a test breaks something on purpose."""
        self.loaded: set[str] = set()
        self.pending_requests: set[Request] = set()
        """Requests of its tabs without a response yet."""
        self.person = Person(address, username, name)
        """The same user on another device, over plain HTTP."""

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
        page.on("console", self._record_console)
        page.on("dialog", self._dismiss_dialog)
        page.on("request", self._record_request)
        page.on("requestfinished", self._record_finished)
        page.on("requestfailed", self._record_failed)
        page.on("websocket", self._record_socket)
        return page

    def _record_console(self, message: ConsoleMessage) -> None:
        if re.search(r"Content Security Policy|Refused to", message.text):
            self.faults.append(f"policy: {message.text}")
        if message.type == "error":
            self.reported_errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _dismiss_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _record_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in {"http", "https"} and not request.url.startswith(
            f"{self.address}/"
        ):
            self.faults.append(f"request to another server: {request.url}")
        self.pending_requests.add(request)

    def _record_finished(self, request: Request) -> None:
        self.pending_requests.discard(request)
        self.loaded.add(urlsplit(request.url).path)

    def _record_socket(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc != urlsplit(self.address).netloc:
            self.faults.append(f"socket to another server: {socket.url}")

    def _record_failed(self, request: Request) -> None:
        self.pending_requests.discard(request)
        # Leaving a page aborts what it was loading.
        if request.failure != "net::ERR_ABORTED":
            self.reported_errors.append(f"{request.failure}: {request.url}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition that is not on the page."""
        for pause in pauses():
            if condition():
                return
            assert pause, f"timed out: {self.username} waited for {what}"
            self.page.wait_for_timeout(pause)

    def until_equal(self, read: Callable[[], Any], expected: Any, what: str) -> None:
        """Wait until a value outside the page (server, storage, another tab) equals this one.

        An assertion right after a local event would be a race: a message that is drawn may not be stored yet.
        """
        for pause in pauses():
            if (value := read()) == expected:
                return
            assert pause, f"{what}: {value!r}, expected {expected!r}"
            self.page.wait_for_timeout(pause)

    def until_stored(self, room: str, *bodies: str) -> None:
        """Wait until the server has exactly these messages in the chat, in this order."""

        def stored() -> list[str]:
            return [
                message["body"]
                for message in self.person.api("GET", f"/conversations/{room}/messages?limit=100").json()[
                    "items"
                ]
            ]

        self.until_equal(stored, list(bodies), f"the stored messages of {self.username}'s chat")

    def until_loaded(self, module: str) -> None:
        """Wait until the page has fetched this script.

        Before a test disconnects it, the page must have its lazy scripts.
        """
        self.until(
            lambda: any(re.search(rf"/{module}(\.\w+)?\.js$", path) for path in self.loaded), f"{module}.js"
        )

    def until_lazy_parts_loaded(self, page: Page | None = None) -> None:
        """Wait until shortcuts, the quick switcher and the other lazy parts of the shell respond."""
        expect((page or self.page).locator(SWITCHER_BUTTON)).to_be_attached()

    def until_draft_stored(self, page: Page | None = None) -> None:
        """Wait until the browser has stored a draft: it is written a moment after the last key."""
        self.until(lambda: has_stored(page or self.page, "draft"), "the draft in the storage")

    def until_idle(self) -> None:
        """Wait until every request has finished or failed, and the page has run its idle callbacks."""
        self.page.wait_for_load_state()
        is_quiet = False
        while not is_quiet:
            self.until(lambda: not self.pending_requests, "the requests of the page")
            # A script that has loaded may request more.
            self.page.evaluate(IDLE)
            is_quiet = not self.pending_requests

    @property
    def pages(self) -> list[Page]:
        """The open tabs; opens none."""
        return self.context.pages if "context" in vars(self) else []

    def leave(self) -> None:
        self.person.leave()
        if "context" in vars(self):
            self.context.close()

    # --- The account ---

    def sign_up(self, *, at: str = "/accounts/signup/", listed: bool = True) -> None:
        """Fill in and submit the sign-up form at this address, or the one on the open page for ""."""
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
        """Open a chat and wait until its script handles keys."""
        page = page or self.page
        page.goto(f"/chats/{room}/")
        self.until_ready(page)

    def until_ready(self, page: Page | None = None) -> None:
        """Wait until the script of the chat has taken over the message box."""
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
        """Expect exactly these messages in the chat, in this order."""
        expect(self.bodies(page)).to_have_text(list(bodies), use_inner_text=False)

    def sees_state(self, body: str, state: str) -> None:
        expect(self.message(body)).to_have_attribute("data-state", state)

    def row(self, room: str, *, page: Page | None = None) -> Locator:
        return (page or self.page).locator(f'[data-view="rows"] > li[data-room="{room}"]')

    @property
    def strip(self) -> Locator:
        """The notice about the connection."""
        return self.page.locator('[data-view="connection"]')

    def announced(self, region: str) -> list[str]:
        """The lines in a live region for screen readers."""
        return self.page.locator(f"#{region} > p").all_text_contents()

    # --- Through the API, as from another device ---

    def send(self, room: str, *bodies: str) -> None:
        for body in bodies:
            response = self.person.write(room, body)
            assert response.status_code == 201, response.text

    def mark_read(self, room: str, seq: int) -> None:
        response = self.person.api("PUT", f"/conversations/{room}/receipt", {"read": seq, "delivered": seq})
        assert response.is_success, response.text

    def create_invite(self, note: str = "") -> dict[str, Any]:
        response = self.person.api("POST", "/invites", {"note": note})
        assert response.status_code == 201, response.text
        return dict(response.json())


def new_visitor(
    chromium: Browser, address: str, username: str, *, name: str, signed_up: bool = True, **options: Any
) -> Visitor:
    """A new browser at this server.

    The account exists and the browser is logged in, unless `signed_up` is false.
    """
    defaults = {
        "base_url": address,
        "viewport": DESK,
        "locale": "en-GB",
        "timezone_id": "UTC",
        "reduced_motion": "reduce",
    }

    def open_context() -> BrowserContext:
        context = chromium.new_context(**{**defaults, **options})
        context.set_default_timeout(TIMEOUT_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        if signed_up:
            context.add_cookies(session_cookies(visitor.person))
        return context

    visitor = Visitor(open_context, address, username, name)
    if signed_up:
        visitor.person.sign_up()
    return visitor


def session_cookies(person: Person) -> list[Any]:
    """The session cookies of this user, for journeys that do not test the log-in itself."""
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
    """Both open their chat: an empty chat is listed only for a user who opened it. Returns its room name."""
    room = one.person.open_chat_with(other.person)
    assert other.person.open_chat_with(one.person) == room
    return room


def block_sends(page: Page) -> Callable[[], None]:
    """Close each socket, and abort messages sent over HTTP, until the returned function is called.

    Before the page is opened.
    """
    is_blocked = {"page": True}

    def route_socket(socket: WebSocketRoute) -> None:
        if is_blocked["page"]:
            socket.close()
        else:
            socket.connect_to_server()

    def route_http(route: Route) -> None:
        if is_blocked["page"] and route.request.method == "POST":
            route.abort()
        else:
            route.continue_()

    page.route_web_socket("**/ws/**", route_socket)
    page.route("**/api/v1/conversations/*/messages", route_http)
    return lambda: is_blocked.update(page=False)


def reject_sends(
    page: Page, *, code: str = "cannot_deliver", unless: Callable[[], bool] = lambda: False
) -> None:
    """Answer each message sent over a socket with this error, except while `unless()` is true.

    Before the page is opened.
    """

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "message.send" and not unless():
                error = {"type": "error", "code": code, "retryable": False, "id": frame["id"]}
                socket.send(json.dumps(error))
            else:
                server.send(message)

        socket.on_message(forward)

    page.route_web_socket("**/ws/**", route)


def show_failed_messages_offline(person: Visitor, room: str) -> None:
    """Open a chat with two failed messages, the notice about them, and the notice about the connection."""
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
    """Another user logs in in another tab of this browser.

    The open chat notices when it connects again, and shows a dialog.
    """
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    person.page.route_web_socket("**/ws/**", connect)
    person.page.reload()
    person.until_ready()
    person.until_loaded("session-end")
    person.until(lambda: bool(sockets), "a socket")
    # No letter that looks like a digit: "alice14b" would keep a later test from signing "alice148" up.
    other = Person(person.address, f"{person.username}x", "Another user")
    other.sign_up()
    person.context.add_cookies(session_cookies(other))
    other.leave()
    sockets[-1].close()
    dialog = person.page.get_by_role("dialog", name="Another account is logged in to this browser now.")
    expect(dialog).to_be_visible()
    return dialog


OVERFLOWING = """() => {
    const all = [document.documentElement, ...document.body.querySelectorAll("*")];
    const EXCLUDED = "textarea, input, svg, template, .sr-only, .skip-link, [inert]";
    const isSeen = (element) => !element.closest(EXCLUDED) && element.checkVisibility();
    const scrolls = (element) => {
        const { overflowX } = getComputedStyle(element);
        const isScroller = element === document.documentElement || ["auto", "scroll"].includes(overflowX);
        return isScroller && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    };
    const isEllipsis = (element) => getComputedStyle(element).textOverflow === "ellipsis";
    const hasEllipsis = (element) => element && (isEllipsis(element) || hasEllipsis(element.parentElement));
    const isOutside = (element) => {
        const { left, right, width } = element.getBoundingClientRect();
        const isBeyond = left < -1 || right > document.documentElement.clientWidth + 1;
        return width > 0 && isBeyond && !hasEllipsis(element);
    };
    return all.filter(isSeen)
        .filter((element) => scrolls(element) || isOutside(element))
        .map((element) => element.outerHTML.slice(0, 200));
}"""


def has_stored(page: Page, kind: str) -> bool:
    """Whether the browser has stored entries of this kind: "draft" or "outbox"."""
    return any(f":{kind}:" in name for name in page.evaluate("Object.keys(localStorage)"))


def token_of(link: str) -> str:
    return link.rstrip("/").rsplit("/", 1)[1]


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus; the focus is visible at every step."""
    for _ in range(40):
        page.keyboard.press(key)
        expect(page.locator(":focus-visible")).to_have_count(1)
        if target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{key} does not reach {target}")


def click_outside(page: Page, dialog: Locator) -> None:
    """A click on the dialog's border does nothing; a click outside closes it."""
    expect(dialog).to_be_visible()
    border = dialog.bounding_box()
    assert border
    page.mouse.click(border["x"] + 5, border["y"] + border["height"] / 2)
    expect(dialog).to_be_visible()
    page.mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def expect_no_overflow(page: Page) -> None:
    """Expect that nothing scrolls sideways and nothing is cut off at the edge of the window."""
    overflowing: list[str] = page.evaluate(OVERFLOWING)
    assert not overflowing, f"{page.url} at {page.viewport_size} is too wide: {overflowing}"
