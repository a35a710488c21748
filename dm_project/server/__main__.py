"""`python -m dm_project.server`."""

import gc
import importlib
import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl C while loading ends the process at once, without a traceback. `server.daphne` restores the
    # handler.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# What is loaded stays, and the collector would look through it again and again: an eighth of the time of a
# start. `command.freeze_loaded_objects` enables it.
gc.disable()
importlib.import_module("dm_project.server.command").main()
