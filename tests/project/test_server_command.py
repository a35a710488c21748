"""The start of the server process."""

import gc

from dm_project.server.command import freeze_loaded_objects


def test_the_collector_runs_once_everything_is_loaded() -> None:
    """The start switches it off; without it each request would cost memory for good."""
    thresholds, was_enabled = gc.get_threshold(), gc.isenabled()
    gc.disable()
    try:
        freeze_loaded_objects()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.set_threshold(*thresholds)
        if not was_enabled:
            gc.disable()
