"""Every kind of page, light and dark, wide and narrow: nothing fails, nothing leaves the server, nothing sticks out, everybody can use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.pages import KINDS, PageKind
from tests.journeys.visitors import Visitor, meet, no_sideways_scroll, visitor_at
from tests.rig.daphne_server import EntreServer

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
FLAT = "*::before, *::after { background-image: none !important; }"
"""Of a text over a gradient axe-core says nothing at all; those in use are faint spots of light on one colour."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES: list[Any] = [{"width": 1440, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 640}]
LONG = "A line that is long enough to break more than once, in a bubble of any width, with https://example.org/a/very/long/address?in=it"


class Stage:
    """Three people who open pages (a visitor, a newcomer, a member), and what there is to see."""

    def __init__(self, chromium: Browser, server: EntreServer) -> None:
        self.visitor, self.newcomer, self.member, peer, other = (
            visitor_at(chromium, server.address, f"{name}pages", name=name.capitalize(), signed_up=name != "visitor")
            for name in ("visitor", "newcomer", "member", "peer", "other")
        )
        self.people: list[Visitor] = [self.visitor, self.newcomer, self.member, peer, other]
        room = meet(self.member, peer)
        for number in range(6):
            writer = (self.member, peer)[number // 2 % 2]
            assert writer.person.write(room, f"{number}. {LONG if number % 2 else 'Short 🌿'}").status_code == 201
        unread = meet(self.member, other)
        assert other.person.write(unread, "Nobody has read this").status_code == 201
        opened, taken, gone = (self.invite(self.member, note) for note in ("Grandma Zoya", "", "Too late"))
        assert self.newcomer_two(chromium, server).person.api("POST", "/invites/claim", {"token": token_of(taken)}).status_code == 201
        assert self.member.person.api("DELETE", f"/invites/{gone['id']}").is_success
        self.places = {
            "room": room,
            "empty_room": meet(self.member, self.people[-1]),
            "open_link": opened["url"],
            "open_id": opened["id"],
            "used_link": taken["url"],
            "gone_link": gone["url"],
            "pair_link": self.invite(peer, "")["url"],
            "person_link": f"/chats/with/{peer.username}/",
        }

    def newcomer_two(self, chromium: Browser, server: EntreServer) -> Visitor:
        guest = visitor_at(chromium, server.address, "guestpages", name="Guest")
        self.people.append(guest)
        return guest

    def invite(self, maker: Visitor, note: str) -> Any:
        answer = maker.person.api("POST", "/invites", {"note": note})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def open(self, kind: PageKind) -> Visitor:
        guest: Visitor = getattr(self, kind.who)
        guest.faults.clear()
        guest.complaints.clear()
        guest.page.set_viewport_size(SIZES[0])
        guest.page.emulate_media(color_scheme="light")
        answer = guest.page.goto(kind.path.format(**self.places))
        assert answer is not None
        assert answer.status == kind.status
        if kind.prepare:
            kind.prepare(guest.page)
        return guest

    def leave(self) -> None:
        for person in self.people:
            person.leave()


def token_of(invite: Any) -> str:
    return str(invite["url"]).rstrip("/").rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def stage(chromium: Browser, daphne_server: EntreServer) -> Iterator[Stage]:
    stage = Stage(chromium, daphne_server)
    yield stage
    stage.leave()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_page_is_sound_and_open_to_everybody(stage: Stage, kind: PageKind) -> None:
    """At every width and in both themes; axe-core judges by WCAG 2.0 to 2.2, A and AA."""
    guest = stage.open(kind)
    page = guest.page
    expect(page.locator("h1:visible")).to_have_count(1)
    assert page.title().strip(" ·"), "the page has a title"
    assert page.locator("html").get_attribute("lang") == "en"
    for size in SIZES:
        page.set_viewport_size(size)
        no_sideways_scroll(page)
        expect(page.locator("h1:visible")).to_have_count(1)
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast" if size is SIZES[1] else "") == []
        page.emulate_media(color_scheme="light")
        assert violations(page, "color-contrast") == []
    guest.until_idle()
    # The document itself may be a "not found"; what it needs must be there.
    complaints = [complaint for complaint in guest.complaints if f"status of {kind.status}" not in complaint]
    assert complaints == []
    assert guest.faults == []


def test_the_examiner_sees_what_is_wrong(stage: Stage) -> None:
    """Else the test above would be green for ever."""
    page = stage.open(KINDS[0]).page
    page.evaluate("document.querySelector('main').append(Object.assign(new Image(100, 100), { src: '/static/img/mark.svg' }))")
    page.evaluate("document.querySelector('main p').style.cssText = 'color: #999; background: #aaa'")
    found = violations(page)
    assert any(rule.startswith("image-alt") for rule in found)
    assert any(rule.startswith("color-contrast") for rule in found)
    page.evaluate("document.querySelector('h1').style.inlineSize = '2000px'")
    with pytest.raises(AssertionError, match="too wide"):
        no_sideways_scroll(page)


def violations(page: Page, only: str = "") -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.evaluate(
            "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets.push(sheet); }", FLAT
        )
    wanted = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": RULES}
    found = page.evaluate("(wanted) => axe.run(document, { runOnly: wanted, preload: false, resultTypes: ['violations'] })", wanted)
    return [f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})" for rule in found["violations"] for node in rule["nodes"]]
