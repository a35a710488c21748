"""`make screenshots`: takes the screenshots of docs/screenshots from the real service, with made-up users."""

import io
import sys
from collections.abc import Callable
from typing import Any

import segno
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.journeys.screenshot_drawings import PEER, send_all_kinds, send_pictures
from tests.journeys.screenshot_files import DIRECTORY, save_png, side_by_side
from tests.journeys.screenshot_people import NAMES
from tests.journeys.screenshot_session import ScreenshotSession, ago, screenshot, screenshot_session
from tests.journeys.screenshot_uploads import SHOTS as UPLOADS
from tests.journeys.visitors import MESSAGE_BOX, PHONE, reject_sends
from tests.rig.people import Person

ALL_BYTES = 3_000_000
DARK = {"theme": "dark"}
FAKE_LINK = "https://entre.example/i/8Fk2wQ7xLm4PvR9tYc3nBd/"
PHONE_DARK = {"size": PHONE, "theme": "dark"}


# --- Actions ---


def draft(session: ScreenshotSession, page: Page, peer: str, text: str) -> None:
    session.open_chat(page, peer)
    page.locator(MESSAGE_BOX).fill(text)


def go_offline(page: Page) -> None:
    """Cut the network, and wait for the connection strip."""
    page.context.set_offline(True)
    expect(page.locator('[data-view="connection"]')).to_have_attribute("data-state", "offline")


ONLINE = ("marta", "lena", "joana", "theo")


def bring_people_online(session: ScreenshotSession) -> None:
    for peer in ONLINE:
        session.people[peer].open(session.rooms[peer])
        session.people[peer].until_loaded("presence-view")


def start_typing(session: ScreenshotSession, *peers: str) -> None:
    for peer in peers:
        box = session.people[peer].box
        box.fill("")
        box.press_sequentially("Well")


def stop_typing(session: ScreenshotSession) -> None:
    for peer in ONLINE:
        session.people[peer].box.fill("")


def replace_links(page: Page) -> Page:
    """Show the same link and code in every picture, which never worked."""
    code = segno.make(FAKE_LINK, error="m")
    for box in page.locator(".link-box__link").all():
        box.evaluate("(box, link) => (box.value = link)", FAKE_LINK)
    for plate in page.locator("div.qr__plate").all():
        plate.evaluate(
            "(plate, svg) => (plate.innerHTML = svg)",
            code.svg_inline(omitsize=True, border=4, dark="#12242c"),
        )
    for image in page.locator(".qr__plate img:visible").all():
        image.evaluate(
            "(image, address) => (image.src = address)", code.svg_data_uri(border=4, dark="#12242c")
        )
    return page


def wait_for_presence(page: Page) -> Page:
    expect(page.locator('[data-view="rows"] [data-part="avatar"][data-online="true"]')).to_have_count(
        len(ONLINE)
    )
    return page


# --- Screenshots: number, name, and how to get there ---


def chat_light(session: ScreenshotSession) -> Page:
    page = session.page(session.ana)
    draft(session, page, "lena", "давай в субботу, только не рано")
    session.open_chat(page, "theo")
    wait_for_presence(page)
    start_typing(session, "joana", "theo")
    expect(page.locator('[data-part="typing"]')).to_be_visible()
    return page


def chat_dark(session: ScreenshotSession) -> Page:
    stop_typing(session)
    return wait_for_presence(session.chat("marta", **DARK))


def unread(session: ScreenshotSession) -> Page:
    page = session.chat("theo")
    expect(page.locator('[data-part="new-divider"]')).to_be_visible()
    return wait_for_presence(page)


def offline(session: ScreenshotSession) -> Page:
    page = wait_for_presence(session.chat("ilya", **DARK))
    go_offline(page)
    page.locator(MESSAGE_BOX).fill("Улица Садовая, 14, квартира 6")
    page.locator(MESSAGE_BOX).press("Enter")
    expect(page.locator('[data-part="delivery-status"]')).to_have_text("Waiting for connection")
    return page


def failed(session: ScreenshotSession) -> Page:
    page = session.page(session.ana)
    reject_sends(page)
    session.open_chat(page, "sam")
    page.locator(MESSAGE_BOX).fill("And a jar for the jam")
    page.locator(MESSAGE_BOX).press("Enter")
    expect(page.locator('li[data-state="failed"]')).to_have_count(1)
    return wait_for_presence(page)


def invite_dialog(page: Page) -> Locator:
    """The dialog for Caio, while an older link is pending."""
    page.locator('[data-view="list"] header a[aria-haspopup="dialog"]').click()
    dialog = page.get_by_role("dialog", name="Invite one person")
    dialog.get_by_label("Who is it for?").fill("Caio, from the choir")
    dialog.get_by_label("Who is it for?").blur()
    return dialog


def leave_one_pending_link(session: ScreenshotSession) -> None:
    """Leave one pending link, two days old."""
    ana = session.ana.person
    for waiting in ana.api("GET", "/invites").json()["items"]:
        if waiting["state"] == "open":
            assert ana.api("DELETE", f"/invites/{waiting['id']}").is_success
    assert ana.api("POST", "/invites", {"note": "Grandma Zoya"}).is_success
    with session.database() as data:
        data.execute(
            "UPDATE invite SET created_at = ?, expires_at = ? WHERE note = 'Grandma Zoya'",
            [ago(2_950), ago(-7_200)],
        )


def invite(session: ScreenshotSession) -> Page:
    leave_one_pending_link(session)
    page = wait_for_presence(session.chat("theo"))
    dialog = invite_dialog(page)
    dialog.get_by_role("button", name="QR code").click()
    expect(dialog.get_by_role("img", name="QR code of the invite link")).to_be_visible()
    return replace_links(page)


def phone_invite_making(session: ScreenshotSession) -> Page:
    leave_one_pending_link(session)
    page = session.open_page("/chats/", session.ana, size=PHONE)
    page.wait_for_load_state("networkidle")
    invite_dialog(page)
    return page


def switcher(session: ScreenshotSession) -> Page:
    page = wait_for_presence(session.chat("marta", **DARK))
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    return page


def wait_for_message_menu(page: Page) -> Page:
    """The script of the message menu describes the message box once it runs."""
    page.wait_for_load_state("networkidle")
    expect(page.locator('[data-action="switch"][aria-haspopup]')).to_be_attached()
    return page


def message_menu(session: ScreenshotSession) -> Page:
    """The menu of a message, over a chat with a reply in the composer."""
    page = wait_for_message_menu(wait_for_presence(session.chat("marta")))
    last = page.locator('[data-view="timeline"] > li[data-own="false"]').last
    last.hover()
    last.get_by_role("button", name="Reply").click()
    expect(page.locator('[data-part="mode"]')).to_be_visible()
    page.locator('[data-view="timeline"] > li[data-own="true"]').last.locator("article").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    return page


def message_toolbar(session: ScreenshotSession) -> Page:
    page = wait_for_message_menu(wait_for_presence(session.chat("marta", **DARK)))
    page.locator('[data-view="timeline"] > li[data-own="true"]').last.hover()
    expect(page.get_by_role("toolbar", name="Message actions")).to_be_visible()
    return page


def message_menu_ru(session: ScreenshotSession) -> Page:
    with session.in_language(session.ana, "ru"):
        page = wait_for_message_menu(session.chat("marta", language="ru-RU"))
        page.locator('[data-view="timeline"] > li[data-own="true"]').last.locator("article").click(
            button="right"
        )
        expect(page.get_by_role("menu")).to_be_visible()
        return page


def phone_message_menu(session: ScreenshotSession) -> Page:
    page = wait_for_message_menu(session.chat("marta", **PHONE_DARK))
    page.locator('[data-view="timeline"] > li[data-own="false"]').last.locator("article").click(
        button="right"
    )
    expect(page.get_by_role("menu")).to_be_visible()
    return page


def phone_selection(session: ScreenshotSession) -> Page:
    page = wait_for_message_menu(session.chat("marta", size=PHONE))
    own = page.locator('[data-view="timeline"] > li[data-own="true"]').last
    own.locator("article").click(button="right")
    page.get_by_role("menuitem", name="Select").click()
    page.locator('[data-view="timeline"] > li[data-own="false"]').last.locator("article").click()
    expect(page.get_by_role("toolbar", name="Selected messages")).to_contain_text("2")
    return page


def search_everywhere(session: ScreenshotSession) -> Page:
    """The page of results, over all chats."""
    page = session.open_page("/chats/?q=bo", session.ana)
    expect(page.locator('[data-view="found"] mark').first).to_be_visible()
    return wait_for_presence(page)


def search_in_chat(session: ScreenshotSession) -> Page:
    page = wait_for_message_menu(wait_for_presence(session.chat("marta", **DARK)))
    page.keyboard.press("Control+Shift+F")
    page.get_by_role("search", name="Search in this chat").get_by_role("searchbox").fill("café")
    expect(page.locator('[data-view="timeline"] [data-hit]').first).to_be_visible()
    return page


def emoji_panel(session: ScreenshotSession, **options: Any) -> Page:
    page = wait_for_message_menu(session.chat("theo", **options))
    page.get_by_role("button", name="Emoji", exact=True).click()
    expect(page.get_by_role("gridcell", name="grinning face", exact=True)).to_be_visible()
    return page


def phone_list(session: ScreenshotSession) -> Page:
    page = session.page(session.ana, size=PHONE)
    draft(session, page, "lena", "давай в субботу, только не рано")
    page.goto("/chats/")
    wait_for_presence(page)
    start_typing(session, "joana")
    expect(page.locator(f'li[data-room="{session.rooms["joana"]}"]')).to_contain_text("typing…")
    return page


def phone_chat(session: ScreenshotSession) -> Page:
    page = session.chat("theo", size=PHONE)
    expect(page.locator('[data-part="status"]')).to_have_text("online")
    start_typing(session, "theo")
    expect(page.locator('[data-part="typing"]')).to_be_visible()
    return page


def phone_unread(session: ScreenshotSession) -> Page:
    page = session.chat("theo", **PHONE_DARK)
    expect(page.locator('[data-part="new-divider"]')).to_be_visible()
    return page


def phone_people_ru(session: ScreenshotSession) -> Page:
    stop_typing(session)
    with session.in_language(session.ana, "ru"):
        return session.open_page("/people/", session.ana, size=PHONE, language="ru-RU")


def phone_list_pt(session: ScreenshotSession) -> Page:
    with session.in_language(session.ana, "pt-br"):
        return wait_for_presence(session.open_page("/chats/", session.ana, language="pt-BR", **PHONE_DARK))


ARABIC = {
    '[data-part="status"]': "متصل الآن",
    ".beginning__title": "أنت و نور حداد",
    ".beginning__text": "قبلت الدعوة في 3 نوفمبر. لا أحد غيركما يفتح هذه المحادثة.",
    ".day__label": "اليوم",
    ".divider__label": "رسالة جديدة",
}


def phone_rtl(session: ScreenshotSession) -> Page:
    """There is no Arabic translation: turns the direction and inserts a few words, to show the layout."""
    page = session.chat("noor", size=PHONE)
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.evaluate(
        "(words) => Object.entries(words)"
        ".forEach(([where, word]) => document.querySelector(where).textContent = word)",
        ARABIC,
    )
    page.evaluate("(word) => (document.querySelector('.composer textarea').placeholder = word)", "رسالة")
    return page


def link(session: ScreenshotSession) -> str:
    """A link of Marta, half an hour old."""
    made = session.people["marta"].person.api("POST", "/invites", {"note": "Nova, from the choir"}).json()
    with session.database() as data:
        data.execute(
            "UPDATE invite SET created_at = ?, expires_at = ? WHERE note = ?",
            [ago(30), ago(30 - 10_080), made["note"]],
        )
    return str(made["url"])


def sign_up_errors(session: ScreenshotSession) -> Page:
    page = session.open_page("/accounts/signup/")
    page.fill("input[name=name]", "Caio Brandão")
    page.fill("input[name=username]", "ca")
    page.fill("input[name=password1]", "short")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".error-summary")).to_be_visible()
    return page


FIREFOX, IPHONE, CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36",
)


def settings_devices(session: ScreenshotSession) -> Page:
    """Of Lena, who is logged in on three devices."""
    page = session.page(None, **DARK, user_agent=FIREFOX)
    for browser in (CHROME, IPHONE, FIREFOX):
        person = Person(session.server.address, "lena", NAMES["lena"])
        person.http.headers["User-Agent"] = browser
        person.log_in()
    session.people["lena"].person.log_out()
    with session.database() as data:
        for browser, minutes, since in (
            ("iPhone", 210, 11_500),
            ("Chrome", 9_400, 60_000),
            ("Firefox", 0, 23_000),
        ):
            data.execute(
                "UPDATE accounts_device SET active_at = ?, created_at = ? WHERE user_agent LIKE ?",
                [ago(minutes), ago(since), f"%{browser}%"],
            )
    page.context.add_cookies(
        [
            {"name": str(one.name), "value": str(one.value), "url": person.address}
            for one in person.http.cookies.jar
        ]
    )
    page.goto("/settings/devices/")
    return page


def settings_profile_ru(session: ScreenshotSession) -> Page:
    with session.in_language(session.people["ilya"], "ru"):
        return session.open_page("/settings/profile/", session.people["ilya"], language="ru-RU")


def pictures(session: ScreenshotSession, **options: Any) -> Page:
    send_pictures(session)
    return session.chat(PEER, **options)


def viewer(session: ScreenshotSession, **options: Any) -> Page:
    page = wait_for_message_menu(pictures(session, **options))
    page.get_by_role("link", name="The pier at dusk").click()
    large = page.get_by_role("dialog", name="Pictures of this chat").get_by_alt_text("The pier at dusk")
    expect(large).to_have_js_property("complete", True)
    return page


def all_kinds(session: ScreenshotSession, **options: Any) -> Page:
    send_all_kinds(session)
    return wait_for_message_menu(session.chat(PEER, **options))


def files_of_chat(session: ScreenshotSession) -> Page:
    send_all_kinds(session)
    return session.open_page(f"/chats/{session.rooms[PEER]}/files/", session.ana)


Shot = Callable[[ScreenshotSession], Page]
BEFORE: dict[str, Shot] = {
    "01-chat-light": chat_light,
    "02-chat-dark": chat_dark,
    "05-failed-light": failed,
    "06-message-menu-light": message_menu,
    "07-people-light": lambda session: session.open_page("/people/", session.ana),
    "08-invite-light": invite,
    "09-switcher-dark": switcher,
    "11-phone-list-light": phone_list,
    "12-phone-chat-light": phone_chat,
    "14-phone-people-ru": phone_people_ru,
    "15-phone-list-dark-pt": phone_list_pt,
    "16-phone-invite-making": phone_invite_making,
    **UPLOADS,
    "18-phone-rtl": phone_rtl,
    "19-phone-first-run": lambda session: session.open_page("/chats/", session.people["nova"], size=PHONE),
    "20-invite-visitor-light": lambda session: session.open_page(link(session)),
    "21-invite-signed-in-dark": lambda session: session.open_page(
        link(session), session.people["nova"], **DARK
    ),
    "23-phone-invite": lambda session: session.open_page(link(session), size=PHONE),
    "24-message-toolbar-dark": message_toolbar,
    "27-message-menu-ru": message_menu_ru,
    "30-landing-light": lambda session: session.open_page("/"),
    "31-landing-dark-pt": lambda session: session.open_page("/", language="pt-BR", **DARK),
    "32-sign-up-errors": sign_up_errors,
    "33-phone-log-in": lambda session: session.open_page("/accounts/login/", size=PHONE),
    "40-settings-privacy": lambda session: session.open_page("/settings/privacy/", session.ana),
    "43-phone-settings": lambda session: session.open_page("/settings/", session.ana, size=PHONE),
    "44-settings-profile-ru": settings_profile_ru,
    "45-search-light": search_everywhere,
    "46-search-in-chat-dark": search_in_chat,
    "47-emoji-panel-light": emoji_panel,
    "48-phone-emoji-panel-dark": lambda session: emoji_panel(session, **PHONE_DARK),
    "49-phone-message-menu-dark": phone_message_menu,
    "50-phone-selection-light": phone_selection,
}
AFTER: dict[str, Shot] = {
    "03-unread-light": unread,
    "13-phone-unread-dark": phone_unread,
    "04-offline-dark": offline,
    "41-settings-devices-dark": settings_devices,
    "26-viewer-light": viewer,
    "51-pictures-light": pictures,
    "52-phone-pictures-dark": lambda session: pictures(session, **PHONE_DARK),
    "53-phone-viewer-light": lambda session: viewer(session, size=PHONE),
    "54-files-dark": lambda session: all_kinds(session, **DARK),
    "55-phone-files-light": lambda session: all_kinds(session, size=PHONE),
    "56-files-of-a-chat-light": files_of_chat,
}
"""Taken last: these write messages into the chats of the others, and mark them as read."""


def invite_states(session: ScreenshotSession) -> Image.Image:
    marta, nova, ana = (session.people[name].person for name in ("marta", "nova", "ana"))
    used, gone = link(session), marta.api("POST", "/invites", {"note": ""}).json()
    assert nova.api("POST", "/invites/claim", {"token": used.rstrip("/").rsplit("/", 1)[1]}).is_success
    assert marta.api("DELETE", f"/invites/{gone['id']}").is_success
    own = str(ana.api("POST", "/invites", {"note": "Grandma Zoya"}).json()["url"])
    states = [
        (own, session.ana),
        (used, None),
        (gone["url"], None),
        (link(session), session.ana),
        ("/i/xxxxxxxxxxxxxxxxxxxxxx/", None),
    ]
    return side_by_side([card(session.open_page(path, who)) for path, who in states])


def card(page: Page) -> Image.Image:
    """The card of a page with a margin."""
    page.wait_for_load_state("networkidle")
    around: Any = replace_links(page).locator(".card").bounding_box()
    place = {
        "x": around["x"] - 24,
        "y": max(0, around["y"] - 20),
        "width": around["width"] + 48,
        "height": around["height"] + 48,
    }
    picture = Image.open(io.BytesIO(page.screenshot(clip=place, full_page=True)))
    page.context.close()
    return picture


def take_all(wanted: list[str]) -> int:
    total = 0

    def is_wanted(name: str) -> bool:
        return not wanted or any(name.startswith(word) for word in wanted)

    with screenshot_session() as session:
        bring_people_online(session)
        for name, come_there in BEFORE.items():
            if is_wanted(name):
                total += save_png(name, screenshot(come_there(session)))
        session.send_more_as_theo()
        for name, come_there in AFTER.items():
            if is_wanted(name):
                session.mark_unread("theo")
                total += save_png(name, screenshot(come_there(session)))
        if is_wanted("22-invite-states"):
            total += save_png("22-invite-states", invite_states(session))
    return total


def main() -> int:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    total = take_all(sys.argv[1:])
    sys.stdout.write(f"{total // 1_000} kB in all\n")
    return int(total > ALL_BYTES)


if __name__ == "__main__":
    sys.exit(main())
