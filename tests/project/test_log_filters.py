"""Log lines contain no secret links, and bad requests are one short line."""

import logging
import sys

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.log import log_response

from dm_project.log_filters import (
    MAX_REJECTION_CHARS,
    MAX_VALUE_CHARS,
    LineFormatter,
    RedactSecretPaths,
    redact,
)


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
        "/i/./8Fk2wQ7xLm4P/",
        "/i/%2e/8Fk2wQ7xLm4P/",
        "/i%252F8Fk2wQ7xLm4P/",
        "\\i\\8Fk2wQ7xLm4P",
        "/accounts/login/?next=%2Fi%2F8Fk2wQ7xLm4P%2F",
        "/accounts/password/reset/key/2-abc-def/",
        "/accounts/password//reset/key//2-abc-def/",
    ],
)
def test_a_failed_request_does_not_log_its_secret_link(path):
    record = logging.LogRecord(
        "django.request", logging.WARNING, __file__, 1, "%s: %s", ("Not Found", path), None
    )
    assert RedactSecretPaths().filter(record)
    assert "8Fk2wQ7xLm4P" not in record.getMessage()
    assert "abc-def" not in record.getMessage()
    assert "…" in record.getMessage()


def test_other_paths_stay_readable():
    record = logging.LogRecord(
        "django.request", logging.WARNING, __file__, 1, "Not Found: /people/", (), None
    )
    RedactSecretPaths().filter(record)
    assert record.getMessage() == "Not Found: /people/"


def test_not_even_a_traceback_holds_a_secret_link():
    try:
        raise ValueError("no view for /i//8Fk2wQ7xLm4P/")
    except ValueError:
        record = logging.LogRecord("some.library", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = LineFormatter("%(message)s").format(record)
    assert "Traceback" in line
    assert "8Fk2wQ7xLm4P" not in line


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "path", ["/" * 60_000, "/i" + "/" * 60_000, "%25" * 30_000, "/password" + "/" * 60_000, "/i/" * 20_000]
)
def test_a_path_of_slashes_takes_linear_time(path):
    """In quadratic time this would take minutes, and the timeout would fail it."""
    redact(path)


@pytest.mark.parametrize("status", [404, 500, 503])
@pytest.mark.parametrize("letter", ["a", "é", "😀", "\n", "/"])
def test_a_long_path_is_cut_in_the_log_for_every_status(letter, status, rf, caplog):
    """Django escapes non-ASCII characters: 15 KB become 90 KB."""
    request = rf.get("/nowhere/")
    request.path = "/nowhere/" + letter * 5_000
    log_response("%s: %s", "No", request.path, response=HttpResponse(status=status), request=request)
    (record,) = caplog.records
    RedactSecretPaths().filter(record)
    assert record.getMessage().startswith("No: /nowhere/")
    assert len(LineFormatter("%(message)s").format(record)) < 2 * MAX_VALUE_CHARS


def test_a_traceback_of_our_own_code_stays_whole():
    trace = "at one place\n" * 100
    record = logging.LogRecord("conversations.api", logging.ERROR, __file__, 1, "failed\n%s", (trace,), None)
    RedactSecretPaths().filter(record)
    assert record.getMessage().count("at one place") == 100


# --- Bad requests ---

HOSTILE = {
    "host": {"headers": {"host": "elsewhere.example"}},
    "long host": {"headers": {"host": "x" * 5_000}},
    "fields": {"data": "a=1&" * 3_000, "content_type": "application/x-www-form-urlencoded"},
    "size": {"data": "a=" + "1" * 300_000, "content_type": "application/x-www-form-urlencoded"},
    "charset": {"data": "a=1", "content_type": "application/x-www-form-urlencoded; charset=utf-16"},
    "boundary": {"data": "a=1", "content_type": "multipart/form-data"},
    "part": {
        "data": b'--x\r\nContent-Disposition: form-data; z="' + b";" * 5_000,
        "content_type": "multipart/form-data; boundary=x",
    },
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere/"])
def test_a_bad_request_is_one_short_line(kind, path, caplog):
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.generic("POST", path, **HOSTILE[kind])
    assert answer.status_code in {400, 403, 404, 413}
    assert answer["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    lines = [
        LineFormatter("%(levelname)s %(message)s").format(record)
        for record in caplog.records
        if RedactSecretPaths().filter(record)
    ]
    assert 1 <= len(lines) <= 2
    assert all("\n" not in line and len(line) <= MAX_REJECTION_CHARS + 1 for line in lines)


def test_a_server_error_keeps_its_traceback():
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    record.status_code = 500
    RedactSecretPaths().filter(record)
    assert "ZeroDivisionError" in LineFormatter("%(message)s").format(record)
