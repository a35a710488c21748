"""Checks 25 and 26 outside the open chat: notifications and unread badges."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import Visitor, start_chat
from tests.rig.daphne_server import EntreServer

# Records the page's use of notifications and app badges. `away`: another window covers this one.
RECORDER = """
window.asked = 0;
window.shown = [];
window.badges = [];
let away = false;
window.goAway = (isAway) => { away = isAway; dispatchEvent(new Event(isAway ? "blur" : "focus")); };
Document.prototype.hasFocus = () => !away;
class FakeNotification {
    static permission = sessionStorage.getItem("permission") ?? "default";
    static requestPermission() {
        window.asked += 1;
        FakeNotification.permission = "granted";
        sessionStorage.setItem("permission", "granted");
        return Promise.resolve("granted");
    }
    constructor(title, { body, tag }) {
        Object.assign(this, { title, body, tag, isOpen: true });
        window.shown.push(this);
    }
    close() { this.isOpen = false; }
}
window.Notification = FakeNotification;
navigator.setAppBadge = (n) => { window.badges.push(n); return Promise.resolve(); };
navigator.clearAppBadge = () => { window.badges.push(0); return Promise.resolve(); };
"""


def notifications(person: Visitor) -> list[list[str]]:
    found: list[list[str]] = person.page.evaluate(
        "shown.map(({ title, body, isOpen }) => [title, body, isOpen ? 'open' : 'closed'])"
    )
    return found


LISTEN_TO_TABS = """(me) => {
    window.watched = [];
    new BroadcastChannel(`app:${me}`).onmessage = ({ data }) =>
        data.kind === "watched" && watched.push(data.room);
}"""


def test_check_26_title_icon_and_app_badge_show_the_unread_count(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob, carol = visitor("alice"), visitor("bob"), visitor("carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    alice.context.add_init_script(RECORDER)
    alice.page.goto("/people/")
    icon = alice.page.locator("link[rel=icon]")
    expect(alice.page).to_have_title(re.compile(r"^People"))
    for number in range(1, 4):
        bob.send(room, f"news {number}")
    expect(alice.page).to_have_title(re.compile(r"^\(3\) People"))
    expect(icon).to_have_attribute("href", re.compile("mark-new"))
    alice.until_equal(lambda: alice.page.evaluate("badges.at(-1)"), 3, "the app badge")
    insert_history(
        daphne_server, other, timestamps(234), bodies=lambda n: f"number {n}", by=lambda n: n % 2 == 0
    )
    alice.page.reload()
    expect(alice.page).to_have_title(re.compile(r"^\(99\+\) People"))
    alice.until_equal(lambda: alice.page.evaluate("badges.at(-1)"), 120, "the uncapped app badge")
    for place in (room, other):
        head = alice.person.api("GET", f"/conversations/{place}").json()["head"]
        alice.mark_read(place, head)
    expect(alice.page).to_have_title(re.compile(r"^People"))
    expect(icon).not_to_have_attribute("href", re.compile("mark-new"))
    alice.until_equal(lambda: alice.page.evaluate("badges.at(-1)"), 0, "the app badge")


def test_check_25_permission_is_requested_on_a_click_only_and_each_chat_has_one_notification(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.context.add_init_script(RECORDER)
    alice.context.clock.install()
    bob.send(room, "first")
    alice.page.goto("/chats/")
    alice.until_lazy_parts_loaded()
    card = alice.page.locator('[data-view="notify-card"]')
    # The card does not appear in the first minute of the first visit.
    expect(card).to_be_hidden()
    me = alice.person.api("GET", "/me").json()["id"]
    key = f"entre:{me}:alerts"
    alice.page.evaluate(
        "(key) => localStorage.setItem(key, JSON.stringify({ since: Date.now() - 61000 }))", key
    )
    alice.page.reload()
    alice.until_lazy_parts_loaded()
    expect(card).to_be_visible()
    assert alice.page.evaluate("asked") == 0
    alice.page.get_by_role("button", name="Turn on notifications").click()
    expect(card).to_be_hidden()
    assert alice.page.evaluate("asked") == 1

    # In a focused window there is no notification; behind another window there is one for the chat.
    bob.send(room, "seen in the list")
    expect(alice.row(room).locator('[data-part="badge"]')).to_have_text("2")
    alice.page.evaluate("goAway(true)")
    bob.send(room, "while she is away")
    alice.until(lambda: len(notifications(alice)) == 1, "a notification")
    assert notifications(alice) == [["Bob", "3 new messages", "open"]]
    assert alice.page.evaluate("shown[0].tag") == room
    # Read on her phone: the notification closes.
    alice.mark_read(room, 3)
    alice.until(lambda: notifications(alice)[0][2] == "closed", "the notification to go")

    # Of three tabs, one shows the notification.
    tabs = [alice.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto("/chats/")
        alice.until_lazy_parts_loaded(tab)
        tab.evaluate("goAway(true)")
    bob.send(room, "to three tabs")
    for tab in tabs:
        expect(tab.locator('[data-view="rows"] [data-part="badge"]')).to_have_text("1")
    alice.until(
        lambda: sum(tab.evaluate("shown.length") for tab in alice.context.pages) == 2, "one more notification"
    )
    # While one tab shows the chat in view, no tab notifies.
    tabs[0].goto(f"/chats/{room}/")
    alice.until_lazy_parts_loaded(tabs[0])
    before = sum(tab.evaluate("shown.length") for tab in alice.context.pages)
    # The notifying tab waits a moment for the other tabs. Here the clock stands until their message has
    # arrived.
    alice.page.evaluate(LISTEN_TO_TABS, me)
    alice.context.clock.pause_at(alice.page.evaluate("Date.now() + 50"))
    bob.send(room, "right before her")
    for tab in (alice.page, tabs[1]):
        expect(alice.row(room, page=tab)).to_contain_text("right before her")
    alice.until(lambda: room in alice.page.evaluate("watched"), "the message of the tab that shows the chat")
    alice.context.clock.fast_forward(1_000)
    alice.context.clock.resume()
    alice.sees(
        "first", "seen in the list", "while she is away", "to three tabs", "right before her", page=tabs[0]
    )
    assert sum(tab.evaluate("shown.length") for tab in alice.context.pages) == before
