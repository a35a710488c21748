"""A stage for the tests that look at every kind of page: who opens it, and what there is to see."""

from typing import Any

from playwright.sync_api import Browser

from tests.journeys.page_catalogue import PageKind
from tests.journeys.visitors import DESK, Visitor, new_visitor, start_chat, token_of
from tests.rig.daphne_server import EntreServer

LONG = "A line that is long enough to break more than once, in a bubble of any width, with https://example.org/a/very/long/address?in=it"


class PageSession:
    """Three people who open pages (a visitor, a newcomer, a member), and what there is to see."""

    def __init__(self, chromium: Browser, server: EntreServer) -> None:
        self.visitor, self.newcomer, self.member, peer, other = (
            new_visitor(
                chromium, server.address, f"{name}pages", name=name.capitalize(), signed_up=name != "visitor"
            )
            for name in ("visitor", "newcomer", "member", "peer", "other")
        )
        self.people: list[Visitor] = [self.visitor, self.newcomer, self.member, peer, other]
        room = start_chat(self.member, peer)
        for number in range(6):
            writer = (self.member, peer)[number // 2 % 2]
            writer.send(room, f"{number}. {LONG if number % 2 else 'Short 🌿'}")
        unread = start_chat(self.member, other)
        other.send(unread, "Nobody has read this")
        opened, taken, gone = (self.member.create_invite(note) for note in ("Grandma Zoya", "", "Too late"))
        assert (
            self.newcomer_two(chromium, server)
            .person.api("POST", "/invites/claim", {"token": token_of(taken["url"])})
            .status_code
            == 201
        )
        assert self.member.person.api("DELETE", f"/invites/{gone['id']}").is_success
        self.places = {
            "room": room,
            "empty_room": start_chat(self.member, self.people[-1]),
            "open_link": opened["url"],
            "open_id": opened["id"],
            "used_link": taken["url"],
            "gone_link": gone["url"],
            "pair_link": peer.create_invite()["url"],
            "person_link": f"/chats/with/{peer.username}/",
        }

    def newcomer_two(self, chromium: Browser, server: EntreServer) -> Visitor:
        guest = new_visitor(chromium, server.address, "guestpages", name="Guest")
        self.people.append(guest)
        return guest

    def open(self, kind: PageKind, *, size: Any = None) -> Visitor:
        guest: Visitor = getattr(self, kind.who)
        guest.faults.clear()
        guest.reported_errors.clear()
        guest.page.set_viewport_size(size or DESK)
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
