"""Sends mails behind the answer's back, so that no visitor waits for a mail server, and none learns from the wait who has an account.

Knows nothing of what the mails say.
"""

import logging
import queue
import re
import threading

from django.conf import settings
from django.core.mail import EmailMessage

ADDRESS = re.compile(r"[^\s\"'<>(]*@[^\s\"'<>)]*")
REASON_CHARS = 200

log = logging.getLogger(__name__)
waiting: queue.Queue[EmailMessage] = queue.Queue(maxsize=1000)
starting = threading.Lock()
postman: threading.Thread | None = None


def post(mail: EmailMessage) -> None:
    """Hand a mail over. A mail that cannot be sent is reported in the log, without its address; the person can ask for another one."""
    if settings.MAIL_INLINE:
        deliver(mail)
        return
    start_postman()
    try:
        waiting.put_nowait(mail)
    except queue.Full:
        log.error("a mail was dropped: a thousand wait already")


def start_postman() -> None:
    global postman
    with starting:
        if postman is None or not postman.is_alive():
            postman = threading.Thread(target=deliver_all, name="postman", daemon=True)
            postman.start()


def deliver_all() -> None:
    while True:
        deliver(waiting.get())
        waiting.task_done()


def deliver(mail: EmailMessage) -> None:
    try:
        mail.send()
    except Exception as error:  # whatever the mail server does, the postman stays
        log.error("a mail could not be sent: %s (%s)", type(error).__name__, reason_of(error))


def reason_of(error: Exception) -> str:
    """What the mail server or Python said, in one line and without anybody's address."""
    return ADDRESS.sub("…", " ".join(str(error).split()))[:REASON_CHARS]
