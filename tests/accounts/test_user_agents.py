"""User agent parsing."""

import pytest

from accounts.user_agents import DeviceDescription, describe_device

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system", "is_small"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", "Linux", False),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/126.0.0.0 Safari/537.36",
            "Chrome",
            "Windows",
            False,
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            "Edge",
            "Windows",
            False,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "Version/17.5 Safari/605.1.15",
            "Safari",
            "macOS",
            False,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari",
            "iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) CriOS/126.0 Mobile/15E148 Safari/604.1",
            "Chrome",
            "iPad",
            True,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {KIT} Chrome/126.0.0.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
            True,
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KIT} Chrome/126.0.0.0 Safari/537.36",
            "Chrome",
            "ChromeOS",
            False,
        ),
        ("curl/8.5.0", "", "", False),
        ("", "", "", False),
    ],
)
def test_browser_and_system_are_recognized(
    user_agent: str, browser: str, system: str, is_small: bool
) -> None:
    found = describe_device(user_agent)
    assert (found, found.is_small) == (DeviceDescription(browser, system), is_small)
