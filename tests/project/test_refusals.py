"""Responses of the HTTP server itself, before Django has read a byte."""

import json

import pytest

from dm_project.refusals import refusal


@pytest.mark.parametrize(
    ("status", "beginnings"),
    [
        (
            413,
            [
                "This is too large for one form",
                "Isto é grande demais para um formulário",
                "Это слишком много для одной формы",
            ],
        ),
        (503, ["Too many requests", "Há solicitações demais", "Сейчас слишком много запросов"]),
    ],
)
def test_a_form_without_a_script_is_answered_in_each_language(status: int, beginnings: list[str]) -> None:
    headers, body = refusal(status, "Reason", path="/chats/dm-x/", retry_after_s=2)
    assert ("Content-Type", "text/plain; charset=utf-8") in headers
    lines = [line for line in body.decode().splitlines() if line]
    assert len(lines) == len(beginnings)
    assert all(line.startswith(begin) for line, begin in zip(lines, beginnings, strict=True))


def test_other_responses_are_as_short_as_their_status() -> None:
    assert refusal(400, "Bad Request", path="/chats/dm-x/")[1] == b"Bad Request"


@pytest.mark.parametrize(
    ("status", "code"), [(403, "forbidden"), (413, "too_large"), (431, "too_large"), (503, "busy")]
)
def test_a_client_of_the_api_reads_a_sentence(status: int, code: str) -> None:
    headers, body = refusal(status, "Reason", path="/api/v1/attachments", retry_after_s=2)
    found = json.loads(body)
    assert (found["status"], found["code"]) == (status, code)
    assert found["detail"].endswith(".")
    assert ("Content-Type", "application/problem+json") in headers
