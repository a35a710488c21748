"""Mailer: sends email on a background thread, so response times neither depend on the mail server nor reveal
whether an account exists.

Knows nothing of the contents.
"""

import logging
import queue
import re
import threading

from django.conf import settings
from django.core.mail import EmailMessage

ADDRESS = re.compile(r"[^\s\"'<>(]*@[^\s\"'<>)]*")
REASON_CHARS = 200
QUEUE_SIZE = 1_000

log = logging.getLogger(__name__)
pending: queue.Queue[EmailMessage] = queue.Queue(maxsize=QUEUE_SIZE)
start_lock = threading.Lock()
thread: threading.Thread | None = None


def enqueue(mail: EmailMessage) -> None:
    """Queue an email for sending. A failure is logged without the address."""
    if settings.MAIL_INLINE:
        send(mail)
        return
    ensure_thread()
    try:
        pending.put_nowait(mail)
    except queue.Full:
        log.error("an email was dropped: the queue is full (%s emails)", QUEUE_SIZE)


def ensure_thread() -> None:
    global thread
    with start_lock:
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=run, name="mailer", daemon=True)
            thread.start()


def run() -> None:
    while True:
        send(pending.get())
        pending.task_done()


def send(mail: EmailMessage) -> None:
    try:
        mail.send()
    except Exception as error:  # the thread must outlive any failure of the mail server
        log.error("an email could not be sent: %s (%s)", type(error).__name__, reason_of(error))


def reason_of(error: Exception) -> str:
    """The error text of the mail server or of Python, on one line and without email addresses."""
    return ADDRESS.sub("…", " ".join(str(error).split()))[:REASON_CHARS]
