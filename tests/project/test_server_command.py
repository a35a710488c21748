"""The start of the server process."""

import gc

import pytest
from django.test import override_settings

from dm_project.env import BadEnvironment
from dm_project.server.command import browser_url, freeze_loaded_objects
from dm_project.server.listener import open_listener


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


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.3", "127.0.0.3"),
        ("localhost", "localhost"),
        ("::1", "[::1]"),
        ("0.0.0.0", "localhost"),
        ("::", "localhost"),
    ],
)
def test_the_printed_url_is_one_that_a_browser_opens(host: str, shown: str) -> None:
    with open_listener(host, 0) as listener, override_settings(HOST=host, PUBLIC_ORIGIN=""):
        assert browser_url(listener) == f"http://{shown}:{listener.getsockname()[1]}/"


@pytest.mark.parametrize(
    "host",
    [
        "x86_64-conda-linux-gnu",
        "no.such.host.example",
        "a" * 300,
        "1.2.3.4.5",
        "127.0.0.1:80",
        "198.51.100.7",
    ],
)
def test_an_address_where_nothing_can_listen_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(BadEnvironment) as error:
        open_listener(host, 8000)
    assert str(error.value).startswith(
        f"Entre cannot start: HOST is {host!r}, port 8000, and nothing can listen there ("
    )
