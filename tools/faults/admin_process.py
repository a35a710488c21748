"""`python -m tools.faults.admin_process`: a process beside the servers that works on the database, as a
shell does.

Reads commands as lines of JSON:

    {"do": "person", "username": "visitor"}        makes an account with PASSWORD {"do": "pair", "username":
    "alice"}            makes an account and a logged-in peer: {"id", "room", "cookie"} of the peer {"do":
    "session", "username": "visitor"}       logs it in on one more device: {"cookie": ...} {"do": "staff",
    "username": "root"}            the same for an administrator {"do": "forget", "key": ...}
    deletes a session {"do": "suspend" | "let in", "username": ...}  through the service, signals included

Answers each with a line that has `at`: the clock (CLOCK_MONOTONIC, shared by all processes) right after the
commit.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from types import TracebackType
from typing import Any

from tests.rig.environment import ROOT
from tests.rig.people import PASSWORD
from tools.faults.rigs import Rig


class AdminProcess:
    """The client of this process, for rows. Use as an asynchronous context manager."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.turn = asyncio.Lock()

    async def __aenter__(self) -> AdminProcess:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tools.faults.admin_process",
            cwd=ROOT,
            env=self.rig.server.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()

    async def do(self, what: str, **values: Any) -> dict[str, Any]:
        async with self.turn:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps({"do": what, **values}).encode() + b"\n")
            answer = await self.process.stdout.readline()
        found: dict[str, Any] = json.loads(answer)
        return found


def main() -> None:
    from benchmarks.people import cookie, person  # loads Django first

    # isort: split
    from django.contrib.sessions.models import Session

    from accounts.models import User
    from accounts.services import account_deactivate, account_reactivate
    from conversations.models import Conversation
    from conversations.services.conversations import conversation_open

    def account(username: str, *, is_staff: bool = False) -> User:
        user = person(username)
        user.set_password(PASSWORD)
        user.is_staff = user.is_superuser = is_staff
        user.save()
        return user

    def do(what: str, *, username: str = "", key: str = "") -> dict[str, Any]:
        if what in {"person", "staff"}:
            user = account(username, is_staff=what == "staff")
            return {"id": user.pk, "cookie": cookie(user)}
        if what == "pair":
            user, friend = account(username), account(f"friend-of-{username}")
            conversation, _ = conversation_open(user=user, peer=friend, origin=Conversation.Origin.INVITE)
            return {"id": user.pk, "room": conversation.room_name, "cookie": cookie(friend)}
        if what == "forget":
            return {"count": Session.objects.filter(pk=key).delete()[0]}
        user = User.objects.get(username=username)
        if what == "session":
            return {"id": user.pk, "cookie": cookie(user)}
        {"suspend": account_deactivate, "let in": account_reactivate}[what](user=user)
        return {}

    for line in sys.stdin:
        order = json.loads(line)
        answer = do(order.pop("do"), **order)
        sys.stdout.write(json.dumps({**answer, "at": time.monotonic()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
