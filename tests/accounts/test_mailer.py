"""Email is sent on a background thread, outside the request."""

import threading
from typing import Any

import pytest
from django.core import mail as sent
from django.core.mail import EmailMessage

from accounts import mailer


def email_held_by(gate: threading.Event) -> EmailMessage:
    """An email whose mail server accepts it only after the gate opens."""
    email = EmailMessage("Hello", "Hi", "a@example.com", ["b@example.com"])

    def send(fail_silently: bool = False) -> int:
        assert gate.wait(10)
        return EmailMessage.send(email, fail_silently)

    email.send = send  # type: ignore[method-assign]
    return email


class Broken(EmailMessage):
    def send(self, fail_silently: bool = False) -> int:
        raise OSError("mail server unavailable, b@example.com")


def test_a_request_does_not_wait_for_the_mail_server(settings: Any) -> None:
    settings.MAIL_INLINE = False
    gate = threading.Event()
    mailer.enqueue(email_held_by(gate))
    assert sent.outbox == [], "enqueue() returned before the server answered"
    gate.set()
    mailer.pending.join()
    assert [email.to for email in sent.outbox] == [["b@example.com"]]


def test_one_failed_email_does_not_stop_the_next(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.MAIL_INLINE = False
    gate = threading.Event()
    gate.set()
    mailer.enqueue(Broken())
    mailer.enqueue(email_held_by(gate))
    mailer.pending.join()
    assert len(sent.outbox) == 1
    assert "an email could not be sent: OSError" in caplog.text
    assert "b@example.com" not in caplog.text
