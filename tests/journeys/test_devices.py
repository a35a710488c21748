"""Two devices with two tabs each: unread counts, drafts, sent messages, and a wrong clock."""

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import MESSAGE_BOX, Visitor, session_cookies, start_chat

Tab = tuple[Visitor, Page]
A_DAY_AHEAD = "const real = Date.now; Date.now = () => real() + 26 * 3_600_000;"


def badge(owner: Visitor, room: str, page: Page) -> Locator:
    return owner.row(room, page=page).locator('[data-part="badge"]')


def other_device_of(desk: Visitor, visitor: VisitorMaker) -> Visitor:
    """With a session of its own and a clock that is a day ahead."""
    phone = visitor("alice", signed_up=False)
    assert phone.username == desk.username
    phone.person.log_in()
    phone.context.add_cookies(session_cookies(phone.person))
    phone.context.add_init_script(A_DAY_AHEAD)
    return phone


def open_in(tab: Tab, room: str) -> None:
    owner, page = tab
    owner.row(room, page=page).get_by_role("link").click()
    owner.until_ready(page)
    owner.sees("message 1", "message 2", "message 3", page=page)


def test_all_tabs_and_devices_of_alice_share_unread_counts_drafts_and_messages(visitor: VisitorMaker) -> None:
    """The device with the wrong clock takes the date from the server."""
    desk, bob = visitor("alice"), visitor("bob")
    phone = other_device_of(desk, visitor)
    room = start_chat(desk, bob)
    tabs: list[Tab] = [(owner, page) for owner in (desk, phone) for page in (owner.page, owner.new_page())]
    expect_unread_counts(tabs, bob, room)
    expect(tabs[3][1].get_by_role("heading", name="Today")).to_be_visible()
    expect(tabs[3][1].get_by_role("heading", name="Yesterday")).to_have_count(0)
    for tab in tabs[:3]:
        open_in(tab, room)
    expect_shared_draft(tabs)
    expect_messages_from_each_tab(tabs, bob, room)


def expect_unread_counts(tabs: list[Tab], bob: Visitor, room: str) -> None:
    for _owner, page in tabs:
        page.goto("/chats/")
    for number in (1, 2, 3):
        bob.send(room, f"message {number}")
        for owner, page in tabs:
            expect(badge(owner, room, page)).to_have_text(str(number))
            expect(owner.row(room, page=page).locator('[data-part="preview"]')).to_have_text(
                f"message {number}"
            )
    # Read in one tab of one device: the badge is gone in every tab, also after a reload.
    open_in(tabs[3], room)
    for owner, page in tabs[:3]:
        expect(badge(owner, room, page)).to_be_hidden()
    desk, page = tabs[0]
    page.reload()
    expect(badge(desk, room, page)).to_be_hidden()
    desk.until_equal(
        lambda: bob.person.api("GET", f"/conversations/{room}").json()["peer_read"],
        3,
        "the receipt that Bob gets",
    )


def expect_shared_draft(tabs: list[Tab]) -> None:
    """The tabs of one device share it."""
    boxes = [page.locator(MESSAGE_BOX) for _owner, page in tabs]
    for box in boxes:
        # In a test every page has the focus, and a focused box does not take over a draft.
        box.blur()
    boxes[0].press_sequentially("half a thought")
    for box, text in zip(boxes, ("half a thought", "half a thought", "", ""), strict=True):
        expect(box).to_have_value(text)
    boxes[0].press("Enter")
    for owner, page in tabs:
        owner.sees("message 1", "message 2", "message 3", "half a thought", page=page)
        expect(page.locator(MESSAGE_BOX)).to_have_value("")


def expect_messages_from_each_tab(tabs: list[Tab], bob: Visitor, room: str) -> None:
    bodies = ["message 1", "message 2", "message 3", "half a thought"]
    for number, (owner, page) in enumerate(tabs):
        page.fill(MESSAGE_BOX, f"from tab {number}")
        page.press(MESSAGE_BOX, "Enter")
        bodies.append(f"from tab {number}")
        owner.until_stored(room, *bodies)
    bob.send(room, "which one are you?")
    bob.mark_read(room, len(bodies))
    for owner, page in tabs:
        owner.sees(*bodies, "which one are you?", page=page)
        expect(page.locator('li[data-own="true"][data-state="read"]')).to_have_count(5)
