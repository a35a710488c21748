"""Acceptance checks 7, 16 and 21: echo of a sent message, days and plurals, everything by keyboard.

docs/acceptance.md says which test holds each of the thirty checks.
"""

import itertools
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import Visitor, session_cookies, start_chat, tab_to
from tests.rig.daphne_server import EntreServer
from tests.rig.people import PASSWORD

SENDS = 4

# In the next frame after the key: is the bubble there, is the field empty, and does it keep the focus?
WATCH_ECHO = """() => {
    window.echoes = [];
    const field = document.querySelector("textarea[name=body]");
    const selector = '[data-view="timeline"] > li[data-id] [data-part="body"]';
    const bodies = () => [...document.querySelectorAll(selector)];
    // In the capture phase, before the page handles the key. A frame is painted after its callbacks.
    addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        const text = field.value;
        requestAnimationFrame(() => {
            const bubble = bodies().at(-1);
            window.echoes.push([text, bubble?.textContent, field.value, document.activeElement === field]);
        });
    }, true);
}"""


def test_check_7_a_sent_message_is_drawn_in_the_next_frame_and_the_box_keeps_the_focus(
    visitor: VisitorMaker,
) -> None:
    """`make bench-page` measures the milliseconds."""
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))
    alice.page.evaluate(WATCH_ECHO)
    alice.box.focus()
    lines = [f"line {number}" for number in range(SENDS)]
    for number, line in enumerate(lines, 1):
        alice.page.keyboard.type(line)
        alice.page.keyboard.press("Enter")
        # Wait, or the next line would be in the field when this one is recorded.
        alice.page.wait_for_function("(number) => window.echoes.length === number", arg=number)
    assert alice.page.evaluate("window.echoes") == [[line, line, "", True] for line in lines]
    alice.sees(*lines)
    expect(alice.page.locator('li[data-state="pending"]')).to_have_count(0)


# --- 16: groups, days and numbers in the language and the time zone of the account and the browser ---

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=30)
MOMENTS = [
    MIDNIGHT - timedelta(minutes=2),
    MIDNIGHT + timedelta(minutes=2),
    MIDNIGHT + timedelta(minutes=6, seconds=59),
    MIDNIGHT + timedelta(minutes=12),
    MIDNIGHT + timedelta(hours=22),
]
"""In UTC the second message begins a day, the third is 4:59 later, the fourth 5:01 after that.

In Moscow only the last begins a day.
"""
GROUPS = [3, 1, 1]
MONTHS = (
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()  # noqa: SIM905
)


def set_language(person: Visitor, language: str) -> None:
    """Set the language of the account. The browser's locale decides the format of times only."""
    answer = person.person.post_form("/settings/appearance/", only="language", language=language)
    assert answer.status_code < 400
    person.context.add_cookies(session_cookies(person.person))


def test_check_16_messages_are_grouped_by_the_days_and_counted_in_the_language_of_alice(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    """In Moscow and in Russian, whose plural has the most forms.

    Other zones: tests/js/dates-and-text.test.js; other languages, too: tests/project/test_translations.py.
    """
    alice, bob, carol = (
        visitor("alice", locale="ru-RU", timezone_id="Europe/Moscow"),
        visitor("bob"),
        visitor("carol"),
    )
    set_language(alice, "ru")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, MOMENTS, by=lambda n: True, bodies=lambda n: f"number {n}", read=5)
    alice.open(room)
    expect(alice.bodies()).to_have_count(5)
    days = alice.page.locator('[data-view="timeline"] > li[data-day]')
    local = [moment.astimezone(ZoneInfo("Europe/Moscow")).date() for moment in MOMENTS]
    wanted = list(dict.fromkeys(local))
    expect(days).to_have_count(len(wanted))
    for line, day in zip(days.all(), wanted, strict=True):
        expect(line).to_have_text(re.compile(rf"{day.day}\b.*{MONTHS[day.month - 1]}"))
    firsts = alice.page.locator('[data-view="timeline"] > li[data-id]').evaluate_all(
        "(all) => all.map((li) => li.dataset.first === 'true')"
    )
    starts = [index for index, is_first in enumerate(firsts) if is_first] + [len(firsts)]
    assert [after - before for before, after in itertools.pairwise(starts)] == GROUPS

    room = start_chat(alice, carol)
    insert_history(daphne_server, room, timestamps(21), by=lambda n: False)
    alice.open(room)
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_text("21 новое сообщение")


# --- 21: by keyboard ---


def test_check_21_alice_logs_in_writes_copies_an_invite_and_logs_out_by_keyboard(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "Can you reach me?")
    alice.context.clear_cookies()
    page, keys = alice.page, alice.page.keyboard
    page.goto("/accounts/login/")
    tab_to(alice.page, page.locator("input[name=login]"))
    keys.type(alice.username)
    tab_to(alice.page, page.locator("input[name=password]"))
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url(lambda address: "/accounts/" not in address)
    alice.until_lazy_parts_loaded()
    tab_to(alice.page, alice.row(room).get_by_role("link"))
    keys.press("Enter")
    alice.until_ready()
    expect(alice.box).to_be_focused()
    keys.type("I can")
    keys.press("Enter")
    alice.sees("Can you reach me?", "I can")
    bob.open(room)
    bob.sees("Can you reach me?", "I can")
    # She copies an invite link in the dialog, and the focus returns.
    alice.until_lazy_parts_loaded()
    alice.until_idle()
    opener = page.locator(".list-pane__head").get_by_role("link", name="Invite a person")
    tab_to(alice.page, opener, "Shift+Tab")
    keys.press("Enter")
    copy = page.get_by_role("button", name=re.compile("^Copy")).first
    expect(copy).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Copied").first).to_be_visible()
    assert re.fullmatch(r"http://[^/]+/i/[\w-]{20,}/?", str(page.evaluate("navigator.clipboard.readText()")))
    keys.press("Escape")
    expect(opener).to_be_focused()
    # To the messages, back to the box, to the settings, and log out.
    keys.press("F6")
    expect(page.locator('article[tabindex="0"]')).to_be_focused()
    keys.press("Escape")
    expect(alice.box).to_be_focused()
    tab_to(alice.page, page.get_by_role("link", name="Settings"), "Shift+Tab")
    keys.press("Enter")
    page.wait_for_url("**/settings/**")
    expect(page.get_by_role("heading", level=1, name="Profile")).to_be_visible()
    tab_to(alice.page, page.get_by_role("button", name="Log out"))
    keys.press("Enter")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
