"""Two devices with two tabs each: unread counts, drafts, sent messages, and a wrong clock."""

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import MESSAGE_BOX, Visitor, start_chat

Tab = tuple[Visitor, Page]


def badge(owner: Visitor, room: str, page: Page) -> Locator:
    return owner.row(room, page=page).locator('[data-part="badge"]')


def four_tabs(desk: Visitor, phone: Visitor) -> list[Tab]:
    return [(owner, page) for owner in (desk, phone) for page in (owner.page, owner.new_page())]


def test_all_tabs_and_devices_of_alice_show_the_same_unread_count(visitor: VisitorMaker) -> None:
    desk, bob = visitor("alice"), visitor("bob")
    phone = visitor("alice", signed_up=False)
    phone.log_in()
    room = start_chat(desk, bob)
    tabs = four_tabs(desk, phone)
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
    phone.open(room, page=tabs[3][1])
    for owner, page in tabs[:3]:
        expect(badge(owner, room, page)).to_be_hidden()
        page.reload()
        expect(badge(owner, room, page)).to_be_hidden()
    desk.until_equal(
        lambda: bob.person.api("GET", f"/conversations/{room}").json()["peer_read"],
        3,
        "the receipt that Bob gets",
    )


def test_the_tabs_of_one_device_share_a_draft_and_all_devices_share_the_message(
    visitor: VisitorMaker,
) -> None:
    desk, bob = visitor("alice"), visitor("bob")
    phone = visitor("alice", signed_up=False)
    phone.log_in()
    room = start_chat(desk, bob)
    tabs = four_tabs(desk, phone)
    for owner, page in tabs:
        owner.open(room, page=page)
        # In a test every page has the focus, and a focused box does not take over a draft.
        page.locator(MESSAGE_BOX).blur()
    desk.page.locator(MESSAGE_BOX).press_sequentially("half a thought")
    expect(tabs[1][1].locator(MESSAGE_BOX)).to_have_value("half a thought")
    for _owner, page in tabs[2:]:
        expect(page.locator(MESSAGE_BOX)).to_have_value("")
    desk.page.locator(MESSAGE_BOX).press("Enter")
    for owner, page in tabs:
        owner.sees("half a thought", page=page)
        expect(page.locator(MESSAGE_BOX)).to_have_value("")


def test_a_device_whose_clock_is_a_day_ahead_takes_the_date_from_the_server(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.context.add_init_script("const real = Date.now; Date.now = () => real() + 26 * 3_600_000;")
    alice.open(room)
    alice.until_loaded("presence-view")
    bob.open(room)
    bob.write("today")
    alice.sees("today")
    expect(alice.page.get_by_role("heading", name="Today")).to_be_visible()
    expect(alice.page.get_by_role("heading", name="Yesterday")).to_have_count(0)
