"""`python -m benchmarks.search`: what searches, lists and pages of history cost from a thousand to a million
messages.

On both databases: the messages are written in bulk and indexed by the rounds of the service, then each query
runs as the API runs it (index, rows, matches). The least of fifteen times, in milliseconds, because a shared
machine adds to times and never takes away.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from tests.rig.environment import ROOT, clean_environment
from tests.rig.postgres import running_postgres
from tests.rig.temporary import temporary_folder

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEOPLE, WORDS, WORDS_A_MESSAGE = 400, 40_000, 12
LISTED = 200
"""Chats of the first user."""
HEAVY_SHARE = 0.3
"""Of all messages, in the one chat of the first user."""
BATCH = 2_000
RUNS = 15
START = datetime(2024, 1, 1, tzinfo=UTC)


def main() -> None:
    options = arguments()
    if options.child:
        return measure(options.sizes)
    for name in options.databases:
        with database(name) as url:
            environment = {
                **clean_environment(),
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "dm_project.settings",
            }
            manage = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
            subprocess.run(manage, cwd=ROOT, env=environment, check=True)
            sys.stdout.write(f"\n{name}\n")
            sys.stdout.flush()
            sizes = ",".join(map(str, options.sizes))
            command = [sys.executable, "-m", "benchmarks.search", "--child", "--sizes", sizes]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument(
        "--sizes", type=lambda text: [int(part) for part in text.split(",")], default=list(SIZES)
    )
    parser.add_argument("--databases", type=lambda text: text.split(","), default=["sqlite", "postgresql"])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def database(name: str) -> Iterator[str]:
    if name == "sqlite":
        with temporary_folder("search") as folder:
            yield f"sqlite:///{folder / 'bench.sqlite3'}"
    else:
        with running_postgres() as server:
            yield server.new_database()


def measure(sizes: list[int]) -> None:
    """Grow the database from size to size, and print a line of figures for each."""
    import django

    django.setup()
    from benchmarks.people import person
    from conversations.services.conversations import conversation_open

    random.seed(7)
    words = vocabulary()
    people = [person(f"person{number}") for number in range(PEOPLE)]
    chats = [
        conversation_open(user=people[number], peer=people[(number * 7 + 1) % PEOPLE], origin="invite")[0]
        for number in range(PEOPLE)
    ]
    listed = range(PEOPLE - LISTED, PEOPLE)
    chats += [conversation_open(user=people[0], peer=people[number], origin="invite")[0] for number in listed]
    heads = dict.fromkeys((chat.pk for chat in chats), 0)
    written = 0
    for size in sizes:
        began = time.perf_counter()
        written = fill(chats, heads, words, written, size)
        filled = time.perf_counter()
        cpu = index_all()
        now = time.perf_counter()
        per_message = 1e6 * cpu / max(1, size)
        figures = {
            "messages": size,
            "filled_s": round(filled - began, 1),
            "indexed_s": round(now - filled, 1),
            "index_cpu_us": round(per_message, 1),
            **queries(people[0], people[11], words),
            **lists(people[0], chats[0]),
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()


def vocabulary() -> list[str]:
    """Made-up words, the most frequent first (Zipf)."""
    letters = "etaoinshrdlcumwfgypbvkjxqz"
    weights = [26 - place for place in range(26)]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        length = max(2, min(14, round(random.gauss(3 + len(found) ** 0.13, 2))))
        found["".join(random.choices(letters, weights, k=length))] = None
    return list(found)


def fill(chats: list[Any], heads: dict[int, int], words: list[str], written: int, size: int) -> int:
    """Write messages until there are `size`, a third of them in the first chat."""
    from conversations.models import Conversation, Message, Participant

    weights = list(accumulate(1 / (place + 3) for place in range(WORDS)))
    while written < size:
        rows = []
        for _ in range(min(BATCH, size - written)):
            chat = chats[0] if random.random() < HEAVY_SHARE else random.choice(chats)
            heads[chat.pk] += 1
            written += 1
            seq = heads[chat.pk]
            rows.append(
                Message(
                    conversation_id=chat.pk,
                    seq=seq,
                    version=seq,
                    client_id=UUID(int=written),
                    sender_id=(chat.low_id, chat.high_id)[seq % 2],
                    ordinal=seq,
                    body=" ".join(random.choices(words, cum_weights=weights, k=WORDS_A_MESSAGE)),
                    created_at=START + timedelta(seconds=40 * written),
                )
            )
        Message.objects.bulk_create(rows)
    for pk, head in heads.items():
        Conversation.objects.filter(pk=pk).update(
            head=head, changed_at=START + timedelta(seconds=40 * written)
        )
    Participant.objects.update(activity=START)
    return written


def index_all() -> float:
    """Returns the processor time of this process."""
    from conversations.services.search_indexing import Indexer

    began = time.process_time()
    Indexer().run()
    return time.process_time() - began


def queries(heavy: Any, light: Any, words: list[str]) -> dict[str, float]:
    """Milliseconds of each kind of query, for a user with a third of all messages and for another."""
    from conversations.access import access_conversation
    from conversations.models import Participant

    found = {}
    kinds = {
        "common": words[0],
        "rare": words[30_000],
        "two": f"{words[5]} {words[9]}",
        "prefix2": words[4][:2],
        "prefix3": words[40][:3],
        "prefix5": next(word for word in words[200:] if len(word) > 6)[:5],
        "phrase": f'"{words[1]} {words[2]}"',
        "nothing": "zzzzqqqq",
    }
    for who, user in (("heavy", heavy), ("light", light)):
        for kind, typed in kinds.items():
            found[f"{who}_{kind}"] = timed(user, typed)
    room = Participant.objects.filter(user=heavy).order_by("conversation_id")[0].conversation.room_name
    found["room_common"] = timed(heavy, words[0], access_conversation(heavy, room))
    return found


def lists(user: Any, chat: Any) -> dict[str, float]:
    """Milliseconds of a page of the list of chats, and of pages of the chat with a third of all messages."""
    from conversations.access import access_conversation
    from conversations.selectors.changes import changes_after
    from conversations.selectors.conversations import conversation_list
    from conversations.selectors.messages import message_page, message_page_around

    chat.refresh_from_db()
    mine = access_conversation(user, chat.room_name)
    cursor = conversation_list(user=user).next
    return {
        "list_first": least(lambda: conversation_list(user=user)),
        "list_next": least(lambda: conversation_list(user=user, cursor=cursor)),
        "history_newest": least(lambda: message_page(membership=mine)),
        "history_middle": least(
            lambda: message_page_around(membership=mine, seq=chat.head // 2, version=chat.head)
        ),
        "sync_20": least(lambda: changes_after(membership=mine, after=chat.head - 20)),
    }


def timed(user: Any, typed: str, membership: Any = None) -> float:
    from conversations.selectors.search import search_messages

    return least(lambda: search_messages(user=user, typed=typed, membership=membership))


def least(work: Callable[[], object]) -> float:
    """Milliseconds, of `RUNS` times."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(1_000 * min(times), 2)


if __name__ == "__main__":
    main()
