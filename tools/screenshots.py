"""`make screenshots`: the pictures of docs/screenshots, taken of the real service with people who have something to say."""

import io
import sys
from collections.abc import Callable
from typing import Any

import segno
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.journeys.screenshot_files import DIRECTORY, save_png, side_by_side
from tests.journeys.screenshot_people import NAMES
from tests.journeys.screenshot_session import ScreenshotSession, ago, screenshot, screenshot_session
from tests.journeys.visitors import MESSAGE_BOX, PHONE, reject_sends
from tests.rig.people import Person

ALL_BYTES = 3_000_000
DARK = {"theme": "dark"}
MADE_UP = "https://entre.example/i/8Fk2wQ7xLm4PvR9tYc3nBd/"
PHONE_DARK = {"size": PHONE, "theme": "dark"}


# --- What happens in them ---


def draft(stage: ScreenshotSession, page: Page, peer: str, text: str) -> None:
    stage.open_chat(page, peer)
    page.locator(MESSAGE_BOX).fill(text)


def away(page: Page) -> None:
    """No way to the server from now on, and the strip says so."""
    page.context.set_offline(True)
    expect(page.locator('[data-view="connection"]')).to_have_attribute("data-state", "offline")


ONLINE = ("marta", "lena", "joana", "theo")


def people_are_here(stage: ScreenshotSession) -> None:
    for peer in ONLINE:
        stage.people[peer].open(stage.rooms[peer])
        stage.people[peer].until_loaded("presence-view")


def somebody_types(stage: ScreenshotSession, *peers: str) -> None:
    for peer in peers:
        box = stage.people[peer].box
        box.fill("")
        box.press_sequentially("Well")


def nobody_types(stage: ScreenshotSession) -> None:
    for peer in ONLINE:
        stage.people[peer].box.fill("")


def make_up_links(page: Page) -> Page:
    """The same link and code in every year's picture, and none that ever worked."""
    code = segno.make(MADE_UP, error="m")
    for box in page.locator(".link-box__link").all():
        box.evaluate("(box, link) => (box.value = link)", MADE_UP)
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


def signs_are_there(page: Page) -> Page:
    expect(page.locator('[data-view="rows"] [data-part="avatar"][data-online="true"]')).to_have_count(
        len(ONLINE)
    )
    return page


# --- The pictures: the mock's number, a name, how to come there ---


def chat_light(stage: ScreenshotSession) -> Page:
    page = stage.page(stage.ana)
    draft(stage, page, "lena", "давай в субботу, только не рано")
    stage.open_chat(page, "theo")
    signs_are_there(page)
    somebody_types(stage, "joana", "theo")
    expect(page.locator('[data-part="typing"]')).to_be_visible()
    return page


def chat_dark(stage: ScreenshotSession) -> Page:
    nobody_types(stage)
    return signs_are_there(stage.chat("marta", **DARK))


def unread(stage: ScreenshotSession) -> Page:
    page = stage.chat("theo")
    expect(page.locator('[data-part="new-divider"]')).to_be_visible()
    return signs_are_there(page)


def offline(stage: ScreenshotSession) -> Page:
    page = signs_are_there(stage.chat("ilya", **DARK))
    away(page)
    page.locator(MESSAGE_BOX).fill("Улица Садовая, 14, квартира 6")
    page.locator(MESSAGE_BOX).press("Enter")
    expect(page.locator('[data-part="delivery-status"]')).to_have_text("Waiting for connection")
    return page


def failed(stage: ScreenshotSession) -> Page:
    page = stage.page(stage.ana)
    reject_sends(page)
    stage.open_chat(page, "sam")
    page.locator(MESSAGE_BOX).fill("And a jar for the jam")
    page.locator(MESSAGE_BOX).press("Enter")
    expect(page.locator('li[data-state="failed"]')).to_have_count(1)
    return signs_are_there(page)


def invite_dialog(page: Page) -> Locator:
    """Over what is open; for Caio, while an older link waits."""
    page.locator('[data-view="list"] header a[aria-haspopup="dialog"]').click()
    dialog = page.get_by_role("dialog", name="Invite one person")
    dialog.get_by_label("Who is it for?").fill("Caio, from the choir")
    dialog.get_by_label("Who is it for?").blur()
    return dialog


def one_waits(stage: ScreenshotSession) -> None:
    """A single link, two days old."""
    ana = stage.ana.person
    for waiting in ana.api("GET", "/invites").json()["items"]:
        if waiting["state"] == "open":
            assert ana.api("DELETE", f"/invites/{waiting['id']}").is_success
    assert ana.api("POST", "/invites", {"note": "Grandma Zoya"}).is_success
    with stage.database() as data:
        data.execute(
            "UPDATE invite SET created_at = ?, expires_at = ? WHERE note = 'Grandma Zoya'",
            [ago(2_950), ago(-7_200)],
        )


def invite(stage: ScreenshotSession) -> Page:
    one_waits(stage)
    page = signs_are_there(stage.chat("theo"))
    dialog = invite_dialog(page)
    dialog.get_by_role("button", name="QR code").click()
    expect(dialog.get_by_role("img", name="QR code of the invite link")).to_be_visible()
    return make_up_links(page)


def phone_invite_making(stage: ScreenshotSession) -> Page:
    one_waits(stage)
    page = stage.open_page("/chats/", stage.ana, size=PHONE)
    page.wait_for_load_state("networkidle")
    invite_dialog(page)
    return page


def switcher(stage: ScreenshotSession) -> Page:
    page = signs_are_there(stage.chat("marta", **DARK))
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    return page


def phone_list(stage: ScreenshotSession) -> Page:
    page = stage.page(stage.ana, size=PHONE)
    draft(stage, page, "lena", "давай в субботу, только не рано")
    page.goto("/chats/")
    signs_are_there(page)
    somebody_types(stage, "joana")
    expect(page.locator(f'li[data-room="{stage.rooms["joana"]}"]')).to_contain_text("typing…")
    return page


def phone_chat(stage: ScreenshotSession) -> Page:
    page = stage.chat("theo", size=PHONE)
    expect(page.locator('[data-part="status"]')).to_have_text("online")
    somebody_types(stage, "theo")
    expect(page.locator('[data-part="typing"]')).to_be_visible()
    return page


def phone_unread(stage: ScreenshotSession) -> Page:
    page = stage.chat("theo", **PHONE_DARK)
    expect(page.locator('[data-part="new-divider"]')).to_be_visible()
    return page


def phone_people_ru(stage: ScreenshotSession) -> Page:
    nobody_types(stage)
    with stage.in_language(stage.ana, "ru"):
        return stage.open_page("/people/", stage.ana, size=PHONE, language="ru-RU")


def phone_list_pt(stage: ScreenshotSession) -> Page:
    with stage.in_language(stage.ana, "pt-br"):
        return signs_are_there(stage.open_page("/chats/", stage.ana, language="pt-BR", **PHONE_DARK))


ARABIC = {
    '[data-part="status"]': "متصل الآن",
    ".beginning__title": "أنت و نور حداد",
    ".beginning__text": "قبلت الدعوة في 3 نوفمبر. لا أحد غيركما يفتح هذه المحادثة.",
    ".day__label": "اليوم",
    ".divider__label": "رسالة جديدة",
}


def phone_rtl(stage: ScreenshotSession) -> Page:
    """There is no Arabic translation: the direction is turned and a few words are put in, to see the layout as somebody would."""
    page = stage.chat("noor", size=PHONE)
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.evaluate(
        "(words) => Object.entries(words).forEach(([where, word]) => document.querySelector(where).textContent = word)",
        ARABIC,
    )
    page.evaluate("(word) => (document.querySelector('.composer textarea').placeholder = word)", "رسالة")
    return page


def link(stage: ScreenshotSession) -> str:
    """Marta's, half an hour old."""
    made = stage.people["marta"].person.api("POST", "/invites", {"note": "Nova, from the choir"}).json()
    with stage.database() as data:
        data.execute(
            "UPDATE invite SET created_at = ?, expires_at = ? WHERE note = ?",
            [ago(30), ago(30 - 10_080), made["note"]],
        )
    return str(made["url"])


def sign_up_errors(stage: ScreenshotSession) -> Page:
    page = stage.open_page("/accounts/signup/")
    page.fill("input[name=name]", "Caio Brandão")
    page.fill("input[name=username]", "ca")
    page.fill("input[name=password1]", "short")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".error-summary")).to_be_visible()
    return page


FIREFOX, IPHONE, CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
)


def settings_devices(stage: ScreenshotSession) -> Page:
    """Lena's, who logged in at three."""
    page = stage.page(None, **DARK, user_agent=FIREFOX)
    for browser in (CHROME, IPHONE, FIREFOX):
        person = Person(stage.server.address, "lena", NAMES["lena"])
        person.http.headers["User-Agent"] = browser
        person.log_in()
    stage.people["lena"].person.log_out()
    with stage.database() as data:
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


def settings_profile_ru(stage: ScreenshotSession) -> Page:
    with stage.in_language(stage.people["ilya"], "ru"):
        return stage.open_page("/settings/profile/", stage.people["ilya"], language="ru-RU")


Shot = Callable[[ScreenshotSession], Page]
BEFORE: dict[str, Shot] = {
    "01-chat-light": chat_light,
    "02-chat-dark": chat_dark,
    "05-failed-light": failed,
    "07-people-light": lambda stage: stage.open_page("/people/", stage.ana),
    "08-invite-light": invite,
    "09-switcher-dark": switcher,
    "11-phone-list-light": phone_list,
    "12-phone-chat-light": phone_chat,
    "14-phone-people-ru": phone_people_ru,
    "15-phone-list-dark-pt": phone_list_pt,
    "16-phone-invite-making": phone_invite_making,
    "18-phone-rtl": phone_rtl,
    "19-phone-first-run": lambda stage: stage.open_page("/chats/", stage.people["nova"], size=PHONE),
    "20-invite-visitor-light": lambda stage: stage.open_page(link(stage)),
    "21-invite-signed-in-dark": lambda stage: stage.open_page(link(stage), stage.people["nova"], **DARK),
    "23-phone-invite": lambda stage: stage.open_page(link(stage), size=PHONE),
    "30-landing-light": lambda stage: stage.open_page("/"),
    "31-landing-dark-pt": lambda stage: stage.open_page("/", language="pt-BR", **DARK),
    "32-sign-up-errors": sign_up_errors,
    "33-phone-log-in": lambda stage: stage.open_page("/accounts/login/", size=PHONE),
    "40-settings-privacy": lambda stage: stage.open_page("/settings/privacy/", stage.ana),
    "43-phone-settings": lambda stage: stage.open_page("/settings/", stage.ana, size=PHONE),
    "44-settings-profile-ru": settings_profile_ru,
}
AFTER: dict[str, Shot] = {
    "03-unread-light": unread,
    "13-phone-unread-dark": phone_unread,
    "04-offline-dark": offline,
    "41-settings-devices-dark": settings_devices,
}
"""Taken last: their lines are written on top of what the others show, and what is seen is read."""


def invite_states(stage: ScreenshotSession) -> Image.Image:
    marta, nova, ana = (stage.people[name].person for name in ("marta", "nova", "ana"))
    used, gone = link(stage), marta.api("POST", "/invites", {"note": ""}).json()
    assert nova.api("POST", "/invites/claim", {"token": used.rstrip("/").rsplit("/", 1)[1]}).is_success
    assert marta.api("DELETE", f"/invites/{gone['id']}").is_success
    own = str(ana.api("POST", "/invites", {"note": "Grandma Zoya"}).json()["url"])
    states = [
        (own, stage.ana),
        (used, None),
        (gone["url"], None),
        (link(stage), stage.ana),
        ("/i/xxxxxxxxxxxxxxxxxxxxxx/", None),
    ]
    return side_by_side([card(stage.open_page(path, who)) for path, who in states])


def card(page: Page) -> Image.Image:
    """The card of a page with a little of what is around it."""
    page.wait_for_load_state("networkidle")
    around: Any = make_up_links(page).locator(".card").bounding_box()
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

    with screenshot_session() as stage:
        people_are_here(stage)
        for name, come_there in BEFORE.items():
            if is_wanted(name):
                total += save_png(name, screenshot(come_there(stage)))
        stage.send_more_as_theo()
        for name, come_there in AFTER.items():
            if is_wanted(name):
                stage.mark_unread("theo")
                total += save_png(name, screenshot(come_there(stage)))
        if is_wanted("22-invite-states"):
            total += save_png("22-invite-states", invite_states(stage))
    return total


def main() -> int:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    total = take_all(sys.argv[1:])
    sys.stdout.write(f"{total // 1_000} kB in all\n")
    return int(total > ALL_BYTES)


if __name__ == "__main__":
    sys.exit(main())
