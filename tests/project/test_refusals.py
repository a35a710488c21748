"""Responses of the HTTP server itself, before Django has read a byte."""

import json

import pytest

from dm_project.refusals import refusal


def test_who_sends_too_many_files_without_a_script_reads_it_in_each_language() -> None:
    headers, body = refusal(413, "Content Too Large", path="/chats/dm-x/")
    assert ("Content-Type", "text/plain; charset=utf-8") in headers
    assert [line.partition(",")[0] for line in body.decode().splitlines() if line] == [
        "This is too large for one form",
        "Isto é grande demais para um formulário",
        "Это слишком много для одной формы",
    ]


@pytest.mark.parametrize(
    ("status", "code"), [(403, "forbidden"), (413, "too_large"), (431, "too_large"), (503, "busy")]
)
def test_a_client_of_the_api_reads_a_sentence(status: int, code: str) -> None:
    headers, body = refusal(status, "Reason", path="/api/v1/attachments", retry_after_s=2)
    found = json.loads(body)
    assert (found["status"], found["code"]) == (status, code)
    assert found["detail"].endswith(".")
    assert ("Content-Type", "application/problem+json") in headers
