"""SIGTERM as Ctrl C, so that a test process which is ended stops the servers that it has started."""

import signal
import threading


def interrupt_on_sigterm() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
