"""What a log may tell."""

import logging

import pytest

from dm_project.logs import HideSecretPaths


@pytest.mark.parametrize(
    "path",
    [
        "/i/8Fk2wQ7xLm4P/",
        "/i//8Fk2wQ7xLm4P/",
        "//i/8Fk2wQ7xLm4P",
        "/I/8Fk2wQ7xLm4P/",
        "/i/x/8Fk2wQ7xLm4P/",
        "/en/i/8Fk2wQ7xLm4P/",
        "/i%2F8Fk2wQ7xLm4P/",
        "/%69/8Fk2wQ7xLm4P/",
        "/accounts/password/reset/key/2-abc-def/",
        "/accounts/password//reset/key//2-abc-def/",
    ],
)
def test_a_failed_request_does_not_write_its_secret_link(path):
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "%s: %s", ("Not Found", path), None)
    assert HideSecretPaths().filter(record)
    assert "8Fk2wQ7xLm4P" not in record.getMessage()
    assert "abc-def" not in record.getMessage()
    assert "…" in record.getMessage()


def test_other_paths_stay_readable():
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Not Found: /people/", (), None)
    HideSecretPaths().filter(record)
    assert record.getMessage() == "Not Found: /people/"
