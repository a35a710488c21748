"""Shared users, chats and invites for the tests that open every kind of page."""

from typing import Any

from playwright.sync_api import Browser

from tests.journeys.page_catalogue import PageKind
from tests.journeys.visitors import DESK, Visitor, new_visitor, start_chat, token_of
from tests.rig.daphne_server import EntreServer

LONG = (
    "A line that is long enough to break more than once, in a bubble of any width,"
    " with https://example.org/a/very/long/address?in=it"
)


class PageSession:
    """Three users who open pages (a visitor, a newcomer, a member), and their chats and invites."""

    def __init__(self, chromium: Browser, server: EntreServer) -> None:
        self.visitor, self.newcomer, self.member, peer, other = (
            new_visitor(
                chromium, server.address, f"{name}pages", name=name.capitalize(), signed_up=name != "visitor"
            )
            for name in ("visitor", "newcomer", "member", "peer", "other")
        )
        self.users: list[Visitor] = [self.visitor, self.newcomer, self.member, peer, other]
        room = start_chat(self.member, peer)
        for number in range(6):
            writer = (self.member, peer)[number // 2 % 2]
            writer.send(room, f"{number}. {LONG if number % 2 else 'Short 🌿'}")
        unread = start_chat(self.member, other)
        other.send(unread, "An unread message")
        opened, taken, gone = (self.member.create_invite(note) for note in ("Grandma Zoya", "", "Too late"))
        claimed = self.second_newcomer(chromium, server).person.api(
            "POST", "/invites/claim", {"token": token_of(taken["url"])}
        )
        assert claimed.status_code == 201
        assert self.member.person.api("DELETE", f"/invites/{gone['id']}").is_success
        self.links = {
            "room": room,
            "empty_room": start_chat(self.member, self.users[-1]),
            "open_link": opened["url"],
            "open_id": opened["id"],
            "used_link": taken["url"],
            "gone_link": gone["url"],
            "pair_link": peer.create_invite()["url"],
            "person_link": f"/chats/with/{peer.username}/",
        }

    def second_newcomer(self, chromium: Browser, server: EntreServer) -> Visitor:
        newcomer = new_visitor(chromium, server.address, "guestpages", name="Guest")
        self.users.append(newcomer)
        return newcomer

    def open(self, kind: PageKind, *, size: Any = None) -> Visitor:
        visitor: Visitor = getattr(self, kind.who)
        visitor.faults.clear()
        visitor.reported_errors.clear()
        visitor.page.set_viewport_size(size or DESK)
        visitor.page.emulate_media(color_scheme="light")
        response = visitor.page.goto(kind.path.format(**self.links))
        assert response is not None
        assert response.status == kind.status
        if kind.prepare:
            kind.prepare(visitor.page)
        return visitor

    def leave(self) -> None:
        for person in self.users:
            person.leave()
