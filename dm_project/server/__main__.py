"""`python -m dm_project.server`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl C while loading ends the process at once, without a traceback. `server.daphne` restores the
    # handler.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from dm_project.server.command import main

main()
