"""Public URLs in emails and one-time links."""

from typing import Any

import pytest
from django.urls import set_script_prefix

from accounts.public_urls import public_host, public_link


def test_links_point_to_localhost_until_a_public_url_is_configured(settings: Any) -> None:
    settings.PORT = 9000
    assert public_link("account_signup") == "http://127.0.0.1:9000/accounts/signup/"
    settings.PUBLIC_ORIGIN = "https://chat.example.org"
    assert (
        public_link("account_reset_password_from_key", uidb36="1", key="a-b")
        == "https://chat.example.org/accounts/password/reset/key/1-a-b/"
    )
    assert public_host() == "chat.example.org"


def test_the_path_prefix_of_a_request_is_ignored(settings: Any) -> None:
    """Daphne-Root-Path (docs/threats.md T59)."""
    set_script_prefix("/evil/")
    try:
        assert public_link("account_signup") == "http://127.0.0.1:8000/accounts/signup/"
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize("name", ["account_reset_password", "account_login"])
def test_any_named_route_has_a_public_link(name: str) -> None:
    assert public_link(name).startswith("http://127.0.0.1:8000/accounts/")
