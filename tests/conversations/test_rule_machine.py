"""Rule machine: docs/protocol.md 6 holds after every step of two users with two devices each.

Hypothesis generates days of Alice, Bob and Mallory, in any order of steps and any weather of the channel
layer; tests/rules/model.py says what must hold. Every run has the same days; RULE_DAYS=500 runs so many new
ones (as `make faults` does) and prints how to repeat a failing one.
"""

import logging
import os
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from accounts.services import account_deactivate, account_reactivate, privacy_update
from conversations.models import Block, Conversation, HiddenMessage, Message, Participant
from conversations.protocol.text import strip_trailing_blank_lines
from tests.factories import PASSWORD, make_conversation, make_user
from tests.rules.model import EDIT_WINDOW_S, Line, Side, Talk, Verdict
from tests.rules.phone import FENCE, Phone
from tests.rules.stack import CALM, WEATHERS, Stack
from tests.sockets import Frame, Refused

DAYS, STEPS = int(os.environ.get("RULE_DAYS", "0")), 30
USUAL_DAYS = 45
UNKNOWN = "dm-" + "a" * 32
SOCKET, API, FORM = TRANSPORTS = ("socket", "api", "form")
SIGN_OUT, PASSWORD_CHANGE, SUSPENSION, FLUSH = LOSSES = (
    "sign-out",
    "password change",
    "suspension",
    "session deleted in a shell",
)
FORM_STATUS = {None: 303, "conflict": 409, "cannot_deliver": 422}
API_STATUS = {
    "conflict": 409,
    "cannot_deliver": 403,
    "edit_window_closed": 403,
    "forbidden": 403,
    "gone": 410,
    "not_found": 404,
}
MENU_STATUS = {
    None: 303,
    "conflict": 409,
    "cannot_deliver": 422,
    "edit_window_closed": 422,
    "forbidden": 403,
    "gone": 410,
    "not_found": 404,
}
EDIT, DELETE, HIDE = CHANGES = ("edit", "delete", "hide")
EMOJI = "👍", "\u2764\ufe0f", "👍🏽"
OUTSIDE = {"connection_established", "error", FENCE}

LONG = "🌿" * 7_900
"""Two of these do not fit into one page of `sync`."""

any_time = st.sampled_from([1, 3_600, EDIT_WINDOW_S - 3_600, EDIT_WINDOW_S, EDIT_WINDOW_S + 1])
any_phone = st.integers(0, 3)
any_transport = st.sampled_from(TRANSPORTS)
any_line = st.integers(0, 1_000)
any_position = st.none() | st.integers(0, 20) | st.just(2**40)
any_body = st.sampled_from(["hello", "🌿"]) | st.text("abc éЖ\n👋", min_size=1, max_size=9).filter(str.strip)


class TwoPeopleAndAnOutsider(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = Stack()
        self.ids = self.passwords = 0
        self.password: dict[int, str] = {}

    @initialize()
    def morning(self) -> None:
        self.alice, self.bob, self.mallory = make_user(), make_user(), make_user()
        chat = make_conversation(self.alice, self.bob)
        self.chat_id, self.room = chat.id, chat.room_name
        self.talk = Talk({self.alice.public_id: Side(), self.bob.public_id: Side()})
        self.phones = [
            Phone(user, self.room, path)
            for user in (self.alice, self.bob)
            for path in ("/ws/", f"/ws/chat/{self.room}/")
        ]
        self.outside = Phone(self.mallory, self.room, "/ws/")
        for phone in (*self.phones, self.outside):
            self.bring_back(phone)

    def teardown(self) -> None:
        try:
            if hasattr(self, "phones"):
                self.evening()
        finally:
            for phone in (
                *getattr(self, "phones", ()),
                *([self.outside] if hasattr(self, "outside") else ()),
            ):
                self.stack.run(phone.disconnect())
            self.stack.close()

    def evening(self) -> None:
        """All devices are connected, the weather is calm, and every screen shows the whole log."""
        self.stack.layer.weather = CALM
        for phone in self.phones:
            if phone.socket is None:
                self.bring_back(phone)
        self.settle()
        for phone in self.phones:
            self.stack.run(phone.catch_up())
            self.is_whole(phone)
        hidden = {seq for side in self.talk.sides.values() for seq in side.hidden}
        screens = [
            {seq: message for seq, message in phone.messages.items() if seq not in hidden}
            for phone in self.phones
        ]
        assert screens == [screens[0]] * 4

    # --- What users do ---

    @rule(who=any_phone, transport=any_transport, body=any_body)
    def writes(self, who: int, transport: str, body: str) -> None:
        if phone := self.open_one(who):
            self.send(phone, transport, self.new_id(), body)

    @rule(who=any_phone, count=st.integers(2, 6), is_long=st.booleans())
    def writes_one_upon_another(self, who: int, count: int, is_long: bool) -> None:
        """Without waiting for an answer; the order is that of the typing."""
        if phone := self.open_one(who):
            sends = [(phone, self.new_id()) for _ in range(count)]
            body = LONG if is_long else "hurry"
            assert self.stack.run(self.at_once(sends, body)) == [
                self.talk.send(phone.me, id, body) for _, id in sends
            ]
            self.settle()

    @precondition(lambda self: self.talk.lines)
    @rule(who=any_phone, transport=any_transport, line=any_line)
    def tries_the_same_again(self, who: int, transport: str, line: int) -> None:
        """Over any device and transport, after any time; from the peer it is a foreign id."""
        if phone := self.open_one(who):
            known = self.line(line)
            self.send(phone, transport, known.id, known.first or "whatever it was")

    @precondition(lambda self: self.talk.lines)
    @rule(who=any_phone, transport=any_transport, line=any_line, body=any_body)
    def takes_an_id_for_something_else(self, who: int, transport: str, line: int, body: str) -> None:
        if phone := self.open_one(who):
            self.send(phone, transport, self.line(line).id, f"{body} after all")

    @rule(one=any_phone, other=any_phone, is_one_id=st.booleans(), body=any_body)
    def write_at_the_same_moment(self, one: int, other: int, is_one_id: bool, body: str) -> None:
        first, second = self.open_one(one), self.open_one(other)
        if first is None or second is None or first is second:
            return
        id = self.new_id()
        sends = [(first, id), (second, id if is_one_id else self.new_id())]
        answers = self.stack.run(self.at_once(sends, body))
        # The server may put them in either order; it tells which by their numbers.
        in_order = sorted(
            zip(sends, answers, strict=True),
            key=lambda pair: (pair[1].code is not None, pair[1].duplicate, pair[1].seq),
        )
        for (phone, used), answer in in_order:
            assert answer == self.talk.send(phone.me, used, body)
        self.settle()

    @rule(who=any_phone, transport=st.sampled_from([SOCKET, API]), delivered=any_position, read=any_position)
    def says_how_far_she_is(self, who: int, transport: str, delivered: int | None, read: int | None) -> None:
        """Forwards, backwards, and beyond what there is."""
        phone = self.open_one(who)
        if phone is None or (delivered is None and read is None):
            return
        positions = {
            name: value for name, value in (("delivered", delivered), ("read", read)) if value is not None
        }
        if transport == API:
            status, row = self.api(phone, "put", "/receipt", positions)
            assert status == 200
        else:
            assert self.stack.run(phone.ask("receipt.set", room=self.room, **positions))["type"] == "done"
        self.talk.receipt(phone.me, delivered, read)
        if transport == API:
            self.is_row(row, phone.me)
        self.settle()

    @rule(who=any_phone, transport=st.sampled_from([SOCKET, API]), body=any_body | st.just(""))
    def types_and_does_not_send(self, who: int, transport: str, body: str) -> None:
        phone = self.open_one(who)
        if phone is None:
            return
        if transport == API:
            status, row = self.api(phone, "put", "/draft", {"body": body})
            assert (status, row["draft"]) == (200, body)
        else:
            assert self.stack.run(phone.ask("draft.set", room=self.room, body=body))["type"] == "done"
        self.talk.write_draft(phone.me, body)
        self.settle()

    @precondition(lambda self: self.talk.lines)
    @rule(
        who=any_phone,
        transport=any_transport,
        change=st.sampled_from(CHANGES),
        line=any_line,
        body=any_body,
        known=st.sampled_from([None, "now", "at birth"]),
    )
    def changes_a_message(
        self, who: int, transport: str, change: str, line: int, body: str, known: str | None
    ) -> None:
        """Of either person, deleted or not, with or without the version that this device knows."""
        if phone := self.open_one(who):
            one = self.line(line)
            version = {"now": one.version, "at birth": one.seq}.get(known or "")
            self.change(phone, transport, change, one.seq, body, version)

    @precondition(lambda self: self.talk.lines)
    @rule(who=any_phone, change=st.sampled_from(CHANGES), line=any_line, body=any_body)
    def repeats_a_change(self, who: int, change: str, line: int, body: str) -> None:
        """Over all transports, and what a form cannot carry left out."""
        if phone := self.open_one(who):
            body = strip_trailing_blank_lines(body)
            for transport in TRANSPORTS:
                self.change(phone, transport, change, self.line(line).seq, body, None)

    @precondition(lambda self: self.talk.lines)
    @rule(
        who=any_phone,
        transport=any_transport,
        line=any_line,
        emoji=st.sampled_from(EMOJI),
        on=st.booleans(),
    )
    def reacts(self, who: int, transport: str, line: int, emoji: str, on: bool) -> None:
        """To a message of either person, deleted or not; what is so already, too."""
        if phone := self.open_one(who):
            self.react(phone, transport, self.line(line).seq, emoji, on=on)

    @precondition(lambda self: self.talk.lines)
    @rule(one=any_phone, other=any_phone, line=any_line, body=any_body)
    def edits_and_deletes_at_the_same_moment(self, one: int, other: int, line: int, body: str) -> None:
        """If it was deleted on any device, its text is nowhere."""
        first, second = self.open_one(one), self.open_one(other)
        if first is None or second is None or first is second:
            return
        seq = self.line(line).seq
        edited, deleted = self.stack.run(self.change_at_once(first, second, seq, body))
        works = [
            lambda: self.talk.edit(first.me, seq, body, None) == edited,
            lambda: self.talk.delete(second.me, seq) == deleted,
        ]
        # The server may put them in either order; the answer to the edit tells which.
        is_edit_later = edited.code == "gone" and not self.line_at(seq).is_deleted
        assert [work() for work in (reversed(works) if is_edit_later else works)] == [True, True]
        if deleted.code is None:
            assert self.line_at(seq).body == ""
        self.settle()

    @rule(who=any_phone, cursor=st.integers(0, 20))
    def asks_from_anywhere(self, who: int, cursor: int) -> None:
        if phone := self.open_one(who):
            page = self.stack.run(phone.ask("sync", rooms={self.room: cursor}, marks={self.room: phone.mark}))
            is_beyond = cursor > self.talk.head
            assert (page["reset"], page["after"]) == (is_beyond, cursor)
            if is_beyond or not page["more"]:
                assert page["version"] == self.talk.head
            lines = self.talk.lines
            if is_beyond:
                # The newest page.
                seqs = [message["seq"] for message in page["messages"]]
                assert seqs == [line.seq for line in lines[len(lines) - len(seqs) :]]
            else:
                # Each message that has changed since, once, in the order of its last change.
                versions = [message["version"] for message in page["messages"]]
                changed = sorted(line.version for line in lines if line.version > cursor)
                assert versions == [version for version in changed if version <= page["version"]]
            # A page from elsewhere must not make this device believe that it has what lies between.
            self.forget(phone)
            self.settle()

    @rule(who=any_phone)
    def catches_up(self, who: int) -> None:
        if phone := self.open_one(who):
            self.stack.run(phone.catch_up())
            self.settle()
            self.stack.run(phone.catch_up())
            self.is_whole(phone)

    @rule(who=any_phone)
    def asks_for_the_heads(self, who: int) -> None:
        if phone := self.open_one(who):
            self.stack.run(self.ask_heads(phone))
            self.settle()
            self.is_whole(phone)

    @rule(who=any_phone)
    def goes_away(self, who: int) -> None:
        if phone := self.open_one(who):
            self.stack.run(phone.disconnect())

    @precondition(lambda self: not all(phone.socket for phone in self.phones))
    @rule(who=any_phone, is_new=st.booleans())
    def comes_back(self, who: int, is_new: bool) -> None:
        offline = [phone for phone in self.phones if phone.socket is None]
        phone = offline[who % len(offline)]
        if is_new:
            self.forget(phone)
        self.bring_back(phone)
        self.settle()

    @rule(seconds=any_time)
    def time_passes(self, seconds: int) -> None:
        """Only the age of an edited message depends on it (P12)."""
        self.stack.pass_time(seconds)
        self.talk.now += seconds

    @precondition(lambda self: self.talk.lines)
    @rule(who=any_phone, transport=any_transport, line=any_line, body=any_body, seconds=any_time)
    def edits_her_message_after_a_while(
        self, who: int, transport: str, line: int, body: str, seconds: int
    ) -> None:
        phone = self.open_one(who)
        mine = [each for each in self.talk.lines if phone is not None and each.sender == phone.me]
        if phone is not None and mine:
            self.time_passes(seconds)
            self.change(phone, transport, EDIT, mine[line % len(mine)].seq, body, None)

    @rule(weather=st.sampled_from(WEATHERS), dice=st.integers(0, 1_000))
    def weather_changes(self, weather: str, dice: int) -> None:
        self.stack.layer.weather = weather
        self.stack.layer.dice.seed(dice)
        self.settle()

    @rule(is_alice=st.booleans(), on=st.booleans())
    def blocks(self, is_alice: bool, on: bool) -> None:
        blocker, blocked = (self.alice, self.bob) if is_alice else (self.bob, self.alice)
        if on:
            Block.objects.get_or_create(
                blocker=blocker, blocked=blocked, defaults={"created_at": timezone.now()}
            )
        else:
            Block.objects.filter(blocker=blocker, blocked=blocked).delete()
        # Alice was created first, so she is the lower one of the pair.
        Conversation.objects.filter(pk=self.chat_id).update(
            **{"low_blocks" if is_alice else "high_blocks": on}
        )
        self.talk.sides[blocker.public_id].blocks = on
        self.settle()

    @rule(is_alice=st.booleans(), on=st.booleans())
    def turns_receipts(self, is_alice: bool, on: bool) -> None:
        user = self.alice if is_alice else self.bob
        privacy_update(profile=user.profile, shares_receipts=on)
        self.talk.sides[user.public_id].shares = on
        self.settle()

    @rule(who=any_phone, how=st.sampled_from(LOSSES), body=any_body)
    def loses_rights(self, who: int, how: str, body: str) -> None:
        """A send in between is never acknowledged; only the sockets concerned close (P9)."""
        phone = self.open_one(who)
        if phone is None:
            return
        siblings = [
            each
            for each in self.phones
            if each.owner is phone.owner and each.socket is not None and each is not phone
        ]
        lost = {SIGN_OUT: [phone], FLUSH: [phone], SUSPENSION: [phone, *siblings], PASSWORD_CHANGE: siblings}[
            how
        ]
        self.take_rights(phone, how)
        for each in lost:
            self.is_ended(each, 4401, body)
        if how == PASSWORD_CHANGE:
            self.is_ended(phone, 4012, body)
        for each in self.phones:
            if (
                each.owner is phone.owner
                and (each is not phone or how != PASSWORD_CHANGE)
                and (each in lost or how == PASSWORD_CHANGE)
            ):
                each.browser = None
        self.settle()

    @rule(
        transport=st.sampled_from(
            [
                "message.send",
                "message.edit",
                "message.delete",
                "reaction.set",
                "draft.set",
                "receipt.set",
                "room.open",
                "room.close",
                "typing.set",
                "sync",
                API,
                FORM,
                "handshake",
            ]
        )
    )
    def mallory_tries(self, transport: str) -> None:
        """The reply for this room equals that for an unknown room."""
        if transport in {API, FORM, "handshake"}:
            assert self.mallory_at(transport, self.room) == self.mallory_at(transport, UNKNOWN)
            return
        answers = [
            self.stack.run(self.outside.ask(transport, **outsiders_fields(transport, room)))
            for room in (self.room, UNKNOWN)
        ]
        for answer in answers:
            assert (answer["type"], answer["code"]) == ("error", "not_found")
            answer.pop("ref")
        assert answers[0] == {**answers[1], **({"id": answers[0]["id"]} if "id" in answers[0] else {})}

    # --- Invariants ---

    @invariant()
    def the_log_is_what_was_accepted(self) -> None:
        """1..n without a gap, a row for each id, nothing that was refused, no time that goes back."""
        if not hasattr(self, "talk"):
            return
        rows = Message.objects.filter(conversation_id=self.chat_id).order_by("seq")
        names = {self.alice.pk: self.alice.public_id, self.bob.pk: self.bob.public_id}
        found = [
            Line(
                row.seq,
                str(row.client_id),
                names[row.sender_id],
                row.body,
                row.ordinal,
                row.version,
                row.deleted_at is not None,
                pairs_of(row.reactions),
            )
            for row in rows
        ]
        assert found == self.talk.lines
        assert [row.fingerprint is None for row in rows] == [line.is_deleted for line in self.talk.lines]
        assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)
        assert Conversation.objects.get(pk=self.chat_id).head == self.talk.head

    @invariant()
    def counters_and_receipts_are_those_of_the_model(self) -> None:
        if not hasattr(self, "talk"):
            return
        for participant in Participant.objects.filter(conversation_id=self.chat_id).select_related("user"):
            side = self.talk.sides[participant.user.public_id]
            assert (participant.read_seq, participant.delivered_seq, participant.read_count) == (
                side.read,
                side.delivered,
                side.read_count,
            )
            assert (participant.shown_read, participant.shown_delivered) == (
                side.shown_read,
                side.shown_delivered,
            ), "what the peer may see"
            assert (participant.received, participant.mark) == (side.received, side.mark)
            hidden = HiddenMessage.objects.filter(user_id=participant.user_id)
            assert dict(hidden.values_list("seq", "mark")) == side.hidden
            assert participant.unread == self.talk.unread(participant.user.public_id)

    @invariant()
    def no_screen_shows_anything_else(self) -> None:
        """Whatever was lost: a device has exactly the log up to its cursor, and no receipt beyond what it may
        see."""
        for phone in getattr(self, "phones", ()):
            self.is_true_so_far(phone)

    @invariant()
    def mallory_receives_nothing(self) -> None:
        if hasattr(self, "outside") and self.outside.socket is not None:
            assert {frame["type"] for frame in self.outside.socket.seen} <= OUTSIDE
            assert not [frame for frame in self.outside.socket.seen if self.room in str(frame)]

    # --- Steps ---

    def settle(self) -> None:
        """The journal has written, the layer has delivered, and every device has received and synced what it
        lacked."""
        self.stack.run(self.settled())

    async def settled(self) -> None:
        await self.stack.written()
        here = [phone for phone in (*self.phones, self.outside) if phone.socket is not None]
        self.stack.release(self.room, {phone.owner.pk for phone in here})
        for phone in here:
            await phone.listen()
            assert phone.socket is not None, "no other socket is closed"
            if phone.is_behind and phone is not self.outside:
                await phone.catch_up()

    def send(self, phone: Phone, transport: str, id: str, body: str) -> None:
        if transport == FORM:
            # A page strips trailing blank lines; what a program sends is stored as sent.
            body = strip_trailing_blank_lines(body)
        expected = self.talk.send(phone.me, id, body)
        if transport == SOCKET:
            assert self.stack.run(self.over_socket(phone, id, body)) == expected
        elif transport == API:
            status, answer = self.api(phone, "post", "/messages", {"id": id, "body": body})
            assert status == API_STATUS.get(expected.code or "", 200 if expected.duplicate else 201)
            assert expected.code or (answer["message"]["seq"], answer["duplicate"]) == (
                expected.seq,
                expected.duplicate,
            )
        else:
            assert phone.browser is not None
            status = phone.browser.post(f"/chats/{self.room}/", {"id": id, "body": body}).status_code
            assert status == FORM_STATUS[expected.code]
        self.settle()

    def change(
        self, phone: Phone, transport: str, change: str, seq: int, body: str, version: int | None
    ) -> None:
        if transport == FORM:
            body = strip_trailing_blank_lines(body)
        expected = {
            EDIT: lambda: self.talk.edit(phone.me, seq, body, version),
            DELETE: lambda: self.talk.delete(phone.me, seq),
            HIDE: lambda: self.talk.hide(phone.me, seq),
        }[change]()
        if transport == SOCKET:
            assert self.stack.run(self.change_over_socket(phone, change, seq, body, version)) == expected
        elif transport == API:
            fields = {"body": body} | ({} if version is None else {"version": version})
            path = f"/messages/{seq}{'?scope=me' if change == HIDE else ''}"
            method = "patch" if change == EDIT else "delete"
            status, answer = self.api(phone, method, path, fields if change == EDIT else "")
            assert status == (200 if expected.code is None else API_STATUS[expected.code])
            if expected.version:
                assert answer["message"]["version"] == expected.version
        else:
            assert phone.browser is not None
            fields = {"do": change, "body": body, "version": version or ""}
            answer = phone.browser.post(f"/chats/{self.room}/{seq}/", fields)
            assert answer.status_code == MENU_STATUS[expected.code]
        self.settle()

    def react(self, phone: Phone, transport: str, seq: int, emoji: str, *, on: bool) -> None:
        expected = self.talk.react(phone.me, seq, emoji, on=on)
        if transport == SOCKET:
            fields = {"seq": seq, "emoji": emoji, "on": on}
            frame = self.stack.run(phone.ask("reaction.set", room=self.room, **fields))
            assert change_verdict(frame) == expected
        elif transport == API:
            path = f"/messages/{seq}/reactions/{quote(emoji)}"
            status, answer = self.api(phone, "put" if on else "delete", path, "")
            assert status == (200 if expected.code is None else API_STATUS[expected.code])
            if expected.version:
                assert answer["message"]["version"] == expected.version
        else:
            assert phone.browser is not None
            fields = {"do": "react", "emoji": emoji, "on": str(on).lower()}
            answer = phone.browser.post(f"/chats/{self.room}/{seq}/", fields)
            assert answer.status_code == MENU_STATUS[expected.code]
        self.settle()

    async def change_over_socket(
        self, phone: Phone, change: str, seq: int, body: str, version: int | None
    ) -> Verdict:
        type, fields = change_fields(change, seq, body, version)
        return change_verdict(await phone.ask(type, room=self.room, **fields))

    async def change_at_once(self, one: Phone, other: Phone, seq: int, body: str) -> tuple[Verdict, Verdict]:
        edit, delete = change_fields(EDIT, seq, body, None), change_fields(DELETE, seq, "", None)
        refs = [
            await phone.send(type, room=self.room, **fields)
            for phone, (type, fields) in ((one, edit), (other, delete))
        ]
        return change_verdict(await one.reply_to(refs[0])), change_verdict(await other.reply_to(refs[1]))

    def line_at(self, seq: int) -> Line:
        line = self.talk.line(seq)
        assert line is not None
        return line

    async def over_socket(self, phone: Phone, id: str, body: str) -> Verdict:
        return verdict(await phone.ask("message.send", room=self.room, id=id, body=body))

    async def at_once(self, sends: list[tuple[Phone, str]], body: str) -> list[Verdict]:
        refs = [await phone.send("message.send", room=self.room, id=id, body=body) for phone, id in sends]
        return [verdict(await phone.reply_to(ref)) for (phone, _), ref in zip(sends, refs, strict=True)]

    async def ask_heads(self, phone: Phone) -> None:
        frame = await phone.ask_for("heads", "sync")
        assert (frame["rooms"][self.room], frame["marks"][self.room]) == (
            self.talk.head,
            self.talk.sides[phone.me].mark,
        )

    def api(self, phone: Phone, method: str, path: str, body: Any) -> tuple[int, Any]:
        assert phone.browser is not None
        answer = getattr(phone.browser, method)(
            f"/api/v1/conversations/{self.room}{path}", body, "application/json"
        )
        return answer.status_code, answer.json()

    def bring_back(self, phone: Phone) -> None:
        side = self.talk.sides.get(phone.me)
        if side is not None and not side.is_active:
            account_reactivate(user=phone.owner)
            self.talk.account(phone.me, is_active=True)
        if phone.browser is None:
            phone.browser = Client()
            phone.browser.force_login(
                User.objects.get(pk=phone.owner.pk), backend=django_settings.AUTHENTICATION_BACKENDS[0]
            )
        greeting = self.stack.run(phone.connect())
        expected = {} if side is None else {self.room: self.talk.head}
        assert (greeting["rooms"], greeting["marks"]) == (
            expected,
            {} if side is None else {self.room: side.mark},
        )

    def take_rights(self, phone: Phone, how: str) -> None:
        assert phone.browser is not None
        if how == SIGN_OUT:
            assert phone.browser.post("/accounts/logout/").status_code == 302
        elif how == FLUSH:
            assert (
                Session.objects.filter(
                    pk=phone.browser.cookies[django_settings.SESSION_COOKIE_NAME].value
                ).delete()[0]
                == 1
            )
        elif how == SUSPENSION:
            account_deactivate(user=phone.owner)
            self.talk.account(phone.me, is_active=False)
        else:
            old = self.password.get(phone.owner.pk, PASSWORD)
            self.passwords += 1
            new = self.password[phone.owner.pk] = f"another horse battery {self.passwords}"
            form = {"oldpassword": old, "password1": new, "password2": new}
            assert phone.browser.post("/accounts/password/change/", form).status_code == 302

    def is_ended(self, phone: Phone, code: int, body: str) -> None:
        id = self.new_id()
        received = self.stack.run(self.last_words(phone, id, body))
        assert phone.socket is None, "still open"
        assert (received[-1]["type"], received[-1]["code"]) == ("bye", code)
        assert not [frame for frame in received if frame["type"] == "message.accepted"]

    async def last_words(self, phone: Phone, id: str, body: str) -> list[Frame]:
        await phone.send("message.send", room=self.room, id=id, body=body)
        return await phone.listen()

    def mallory_at(self, transport: str, room: str) -> Any:
        browser = self.outside.browser
        assert browser is not None
        message = {"id": str(uuid4()), "body": "let me in"}
        if transport == API:
            answer = browser.post(f"/api/v1/conversations/{room}/messages", message, "application/json")
        elif transport == FORM:
            answer = browser.post(f"/chats/{room}/", message)
        else:
            stranger = Phone(self.mallory, room, f"/ws/chat/{room}/")
            stranger.browser = browser
            with pytest.raises(Refused) as refused:
                self.stack.run(stranger.connect())
            return refused.value.status
        assert answer.status_code == 404
        return answer.content.replace(room.encode(), b"ROOM")

    # --- Checks ---

    def is_true_so_far(self, phone: Phone) -> None:
        hidden = self.talk.sides[phone.me].hidden
        expected = self.talk.lines_at(phone.cursor)
        for seq, message in phone.messages.items():
            # A page may know of it before the event has come; the mark says when the device must know, too.
            is_hidden = message["deleted_for_me"]
            assert is_hidden or hidden.get(seq, phone.mark + 1) > phone.mark, "deleted for me, and shown"
            assert not is_hidden or seq in hidden, "never deleted for me, and empty"
        empty = {seq for seq, message in phone.messages.items() if message["deleted_for_me"]}
        assert [shown(phone.messages[seq]) for seq in sorted(phone.messages)] == [
            replace(line, body="", reactions=()) if line.seq in empty else line for line in expected
        ]
        visible = self.talk.visible(phone.me)
        for name, (delivered, read) in phone.receipts.items():
            assert delivered <= visible[name][0], "more than may be seen"
            assert read <= visible[name][1], "more than may be seen"

    def is_whole(self, phone: Phone) -> None:
        self.is_true_so_far(phone)
        assert (phone.cursor, phone.mark) == (self.talk.head, self.talk.sides[phone.me].mark)
        visible = self.talk.visible(phone.me)
        assert {name: phone.receipts.get(name, (0, 0)) for name in visible} == visible
        assert phone.unread() == self.talk.unread(phone.me)
        assert phone.row.get("draft", "") == self.talk.sides[phone.me].draft

    def is_row(self, row: Frame, who: str) -> None:
        side, peer = self.talk.sides[who], self.talk.sides[self.talk.peer(who)]
        assert (row["head"], row["mark"], row["unread"]) == (self.talk.head, side.mark, self.talk.unread(who))
        assert (row["read"], row["peer_read"], row["peer_delivered"]) == (
            side.read,
            peer.shown_read,
            peer.shown_delivered,
        )

    def open_one(self, number: int) -> Phone | None:
        here = [phone for phone in self.phones if phone.socket is not None]
        return here[number % len(here)] if here else None

    def line(self, number: int) -> Line:
        return self.talk.lines[number % len(self.talk.lines)]

    def new_id(self) -> str:
        self.ids += 1
        return str(uuid5(NAMESPACE_URL, f"{self.ids}"))

    @staticmethod
    def forget(phone: Phone) -> None:
        phone.messages, phone.receipts, phone.row = {}, {}, {}
        phone.cursor = phone.mark = 0
        phone.is_behind = True


def shown(message: Frame) -> Line:
    names = ("seq", "id", "sender", "body", "ordinal", "version")
    return Line(
        *[message[name] for name in names],
        is_deleted=message["deleted_at"] is not None,
        reactions=pairs_of(message["reactions"]),
    )


def pairs_of(reactions: list[Frame]) -> tuple[tuple[str, str], ...]:
    return tuple((each["emoji"], user) for each in reactions for user in each["users"])


def verdict(frame: Frame) -> Verdict:
    if frame["type"] == "error":
        return Verdict(frame["code"])
    return Verdict(seq=frame["seq"], duplicate=frame["duplicate"], version=frame["version"])


def change_fields(change: str, seq: int, body: str, version: int | None) -> tuple[str, dict[str, Any]]:
    if change == EDIT:
        named = {} if version is None else {"version": version}
        return "message.edit", {"seq": seq, "body": body, **named}
    return "message.delete", {"seq": seq, "scope": "me" if change == HIDE else "everyone"}


def change_verdict(frame: Frame) -> Verdict:
    return Verdict(frame["code"]) if frame["type"] == "error" else Verdict(version=frame.get("version", 0))


def outsiders_fields(command: str, room: str) -> dict[str, Any]:
    if command == "sync":
        return {"rooms": {room: 0}}
    fields: dict[str, dict[str, Any]] = {
        "message.send": {"id": str(uuid4()), "body": "let me in"},
        "message.edit": {"seq": 1, "body": "let me in"},
        "message.delete": {"seq": 1, "scope": "everyone"},
        "reaction.set": {"seq": 1, "emoji": EMOJI[0], "on": True},
        "draft.set": {"body": "let me in"},
        "receipt.set": {"read": 1, "delivered": 1},
        "typing.set": {"on": True},
    }
    return {"room": room, **fields.get(command, {})}


@pytest.mark.timeout(3_600 if DAYS else 300)
@pytest.mark.django_db(transaction=True)
def test_the_promises_hold_on_every_day_of_alice_bob_and_mallory(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.JOURNAL_INLINE = False
    # Sockets must close by themselves or with the next command, not by the session monitor.
    settings.VIGIL_EVERY_MS = settings.POLL_EVERY_MS = 60_000
    run_state_machine_as_test(TwoPeopleAndAnOutsider, settings=machine_settings())
    assert not [record.message for record in caplog.records if record.levelno >= logging.ERROR]


def machine_settings() -> settings:
    return settings(
        max_examples=DAYS or USUAL_DAYS,
        stateful_step_count=STEPS * 2 if DAYS else STEPS,
        derandomize=not DAYS,
        # Shrinking an example runs thousands of days; thirty steps can be read as they are.
        phases=[Phase.generate, Phase.shrink] if DAYS else [Phase.generate],
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
