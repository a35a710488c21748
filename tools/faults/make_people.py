"""`python -m tools.faults.make_people PAIRS DEVICES`: makes users, each logged in on several devices.

Prints `[{"room", "people": [{"id", "username", "cookies": [...]}, ...]}, ...]`. Runs in the environment of
the servers.
"""

import json
import sys

from benchmarks.people import cookie, person  # loads Django first

# isort: split
from django.db import transaction

from conversations.models import Conversation
from conversations.services.conversations import conversation_open


def pair(number: int, devices: int, prefix: str = "") -> dict[str, object]:
    """Two users with a conversation that both see, each with a session for each device."""
    both = [person(f"{prefix}{side}{number}") for side in ("left", "right")]
    conversation, _ = conversation_open(user=both[0], peer=both[1], origin=Conversation.Origin.INVITE)
    people = [
        {"id": one.public_id, "username": one.username, "cookies": [cookie(one) for _ in range(devices)]}
        for one in both
    ]
    return {"room": conversation.room_name, "people": people}


if __name__ == "__main__":
    with transaction.atomic():
        pairs = [pair(number, int(sys.argv[2])) for number in range(int(sys.argv[1]))]
    sys.stdout.write(json.dumps(pairs))
