"""Do response times reveal who has an account? `python -m benchmarks.enumeration [--turns 20]`

Sign-up, "Forgot your password?" and a log-in with a wrong password, alternating between an address that has
an account and one that has none, each from a new browser, against the service as `make run` starts it, with
email. The medians may differ by at most 50 ms (docs/interface.md B3); that the pages are equal is a test.
"""

from __future__ import annotations

import argparse
import socketserver
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from statistics import median

from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.people import PASSWORD, Person

MOST_MS = 50.0
KNOWN = "alice@example.com"

numbers = count()


class MailServer(socketserver.StreamRequestHandler):
    """An SMTP server that accepts and discards every email."""

    def handle(self) -> None:
        self.reply("220 here")
        for line in self.rfile:
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.reply("354 go on")
                while self.rfile.readline() not in {b".\r\n", b""}:
                    pass
            self.reply("221 bye" if word == b"QUIT" else "250 good")
            if word == b"QUIT":
                return

    def reply(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[str]:
    """Run it. Yields its address for EMAIL_URL."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def sign_up(browser: Person, email: str) -> float:
    return timed(
        browser,
        "/accounts/signup/",
        username=browser.username,
        name="Visitor",
        password1=PASSWORD,
        email=email,
        listed="on",
    )


def request_reset(browser: Person, email: str) -> float:
    return timed(browser, "/accounts/password/reset/", email=email)


def guess_password(browser: Person, email: str) -> float:
    return timed(browser, "/accounts/login/", status=200, login=email, password="a wrong guess")


def timed(browser: Person, page: str, *, status: int = 302, **filled: str) -> float:
    """Milliseconds from sending the form to the whole response."""
    fields = {**filled, "csrfmiddlewaretoken": browser.csrf_token(page)}
    began = time.perf_counter()
    answer = browser.http.post(page, data=fields, headers={"Referer": f"{browser.address}{page}"})
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == status, f"{page} was answered with {answer.status_code}"
    return took


ACTS = {"sign-up": sign_up, "forgotten password": request_reset, "log-in": guess_password}


def compare(address: str, act: Callable[[Person, str], float], turns: int) -> tuple[float, float]:
    """Medians with a known and an unknown address. They alternate, and so does the first, against drift."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(turns + 1):
        for is_known in (True, False) if turn % 2 else (False, True):
            number = next(numbers)
            with Person(address, f"visitor{number}") as browser:
                took[is_known].append(act(browser, KNOWN if is_known else f"nobody{number}@example.com"))
    # The first of each is a warm-up.
    return median(took[True][1:]), median(took[False][1:])


def make_known(server: EntreServer) -> None:
    """Give alice a verified address: only such an address counts as an account."""
    with Person(server.address, "alice") as alice:
        alice.sign_up(email=KNOWN)
    with closing(sqlite3.connect(next(server.data_folder.glob("*.sqlite3")))) as data, data:
        data.execute("UPDATE account_emailaddress SET verified = 1")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.enumeration", description=__doc__)
    options.add_argument("--turns", type=int, default=20)
    turns = options.parse_args().turns
    statics = SharedStatics()
    worst = 0.0
    try:
        with mail_server() as mail, EntreServer(statics, LIMITS="off", EMAIL_URL=mail) as server:
            make_known(server)
            for name, act in ACTS.items():
                known, unknown = compare(server.address, act, turns)
                worst = max(worst, abs(known - unknown))
                print(
                    f"{name}: known {known:.1f} ms, unknown {unknown:.1f} ms,"
                    f" difference {known - unknown:+.1f} ms (goal: {MOST_MS:.0f} at most)"
                )
    finally:
        statics.remove()
    return int(worst > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
