"""Mails go out behind the answer's back."""

import threading
from typing import Any

import pytest
from django.core import mail as letters
from django.core.mail import EmailMessage

from accounts import mailer


def letter_behind(gate: threading.Event) -> EmailMessage:
    """A mail whose server takes its time: until the gate opens."""
    letter = EmailMessage("Hello", "Hi", "a@example.com", ["b@example.com"])

    def send(fail_silently: bool = False) -> int:
        assert gate.wait(10)
        return EmailMessage.send(letter, fail_silently)

    letter.send = send  # type: ignore[method-assign]
    return letter


class Broken(EmailMessage):
    def send(self, fail_silently: bool = False) -> int:
        raise OSError("mail server away, b@example.com")


def test_nobody_waits_for_the_mail_server(settings: Any) -> None:
    settings.MAIL_INLINE = False
    gate = threading.Event()
    mailer.post(letter_behind(gate))
    assert letters.outbox == []  # post() came back while the server still thinks
    gate.set()
    mailer.waiting.join()
    assert [letter.to for letter in letters.outbox] == [["b@example.com"]]


def test_one_lost_mail_does_not_stop_the_next(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.MAIL_INLINE = False
    gate = threading.Event()
    gate.set()
    mailer.post(Broken())
    mailer.post(letter_behind(gate))
    mailer.waiting.join()
    assert len(letters.outbox) == 1
    assert "a mail could not be sent: OSError" in caplog.text
    assert "b@example.com" not in caplog.text
