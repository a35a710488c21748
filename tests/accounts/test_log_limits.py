"""Log throttling: an outage is logged once a minute, not with every request."""

import logging
from typing import Any

import pytest

from accounts import log_limits, middleware
from accounts.models import User


def test_the_same_warning_is_written_once_a_minute(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    now = 1000.0
    monkeypatch.setattr(log_limits.time, "monotonic", lambda: now)
    limited = log_limits.OnceAMinute(logging.getLogger("accounts"))
    for now in (1000.0, 1001.0, 1059.9):
        limited.warning("one thing failed (%s)", now)
        limited.warning("another thing failed")
    assert [record.getMessage() for record in caplog.records] == [
        "one thing failed (1000.0)",
        "another thing failed",
    ]
    now = 1060.0
    limited.warning("one thing failed (%s)", now)
    assert caplog.records[-1].getMessage() == "one thing failed (1060.0)"


def test_a_failure_to_record_devices_is_logged_once(
    alice: User, client_of: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(**values: Any) -> None:
        raise ConnectionError("no cache here")

    monkeypatch.setattr(middleware, "device_record", fail)
    monkeypatch.setattr(middleware, "limited", log_limits.OnceAMinute(middleware.logger))
    browser = client_of(alice)
    for _ in range(5):
        assert browser.get("/settings/").status_code == 200
    assert len([record for record in caplog.records if "device was not recorded" in record.getMessage()]) == 1
