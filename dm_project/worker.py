"""Worker process: `python -m dm_project.worker` runs jobs beside the server (JOBS=outside).

Ends on SIGTERM or Ctrl C within ten seconds: no job begins any more, and what does not end in time is given
back to the next worker.
"""

import os
import signal
import sys
import threading

from dm_project import settings_module

FINISH_SECONDS, JOURNAL_SECONDS = 7.0, 1.0


def main() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    settings_module.choose()
    from dm_project.db.postgres import enable_timeouts
    from dm_project.server import preflight

    os.umask(0o077)
    preflight.main()
    preflight.require_migrations()
    # Imported after Django is set up, for it has models.
    from conversations.jobs.engine import engine

    enable_timeouts()
    engine.start()
    sys.stdout.write("The worker runs jobs  (Ctrl C ends it)\n")
    sys.stdout.flush()
    ended.wait()
    engine.stop()
    sys.stdout.write("The worker ends, after the jobs that run\n")
    sys.stdout.flush()
    end()


def end() -> None:
    from dm_project.server import shutdown

    shutdown.begin()
    shutdown.schedule_forced_exit()
    has_jobs = not shutdown.finish_jobs(FINISH_SECONDS)
    # Jobs write through the journal, too.
    shutdown.flush_journal(JOURNAL_SECONDS)
    if has_jobs:
        shutdown.release_jobs()


if __name__ == "__main__":
    main()
