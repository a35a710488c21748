"""Open redirect protection of `next`."""

import pytest

from accounts.redirects import is_local_path, local_path

FOREIGN = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "//evil.example@testserver/",
    "http://testserver@evil.example/",
    "http://testserver/chats/",
    "http://localhost/chats/",
    "evil.example",
    "chats/",
    "?next=//evil.example",
    "/chats\\evil",
    "/chats/\x00",
    "/чаты/",
    "/" + "a" * 2_000,
    "",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_a_url_that_is_not_a_path_of_this_site_is_rejected(url: str) -> None:
    assert not is_local_path(url)
    assert local_path(url, "/home/") == "/home/"


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/chats/",
        "/chats/dm-abc/?before=7#x",
        "/i/tok_en-1/",
        "/%2f%2fevil.example",
        "/accounts/login/?next=https://evil.example",
        "/[x]/",
    ],
)
def test_paths_of_this_site_are_followed(url: str) -> None:
    assert is_local_path(url)
    assert local_path(url, "/home/") == url
