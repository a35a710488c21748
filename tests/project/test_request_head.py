"""Validation of request headers before they are parsed."""

import pytest

from dm_project.server.request_head import (
    MAX_HEADER_BYTES,
    BadTarget,
    HeaderSizes,
    has_bad_content_type,
    origin_form,
)


@pytest.mark.parametrize("target", [b"/", b"/i/x?y=http://z", b"//double/", b"*"])
def test_a_path_is_returned_unchanged(target: bytes) -> None:
    assert origin_form(target) == (target, None)


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://chat.example/healthz", b"/healthz", b"chat.example"),
        (b"HTTPS://chat.example:8000/a?b=c", b"/a?b=c", b"chat.example:8000"),
        (b"http://chat.example", b"/", b"chat.example"),
        (b"http://chat.example?q=1", b"/?q=1", b"chat.example"),
    ],
)
def test_an_absolute_target_is_split_into_path_and_host(target: bytes, path: bytes, host: bytes) -> None:
    """RFC 9112, 3.2.2: proxies may send it, and its host overrides the Host header."""
    assert origin_form(target) == (path, host)


@pytest.mark.parametrize(
    "target",
    [
        b"healthz",
        b"http:///x",
        b"http://user@chat.example/",
        b"ftp://chat.example/",
        b"chat.example:443",
        b"\\x",
    ],
)
def test_any_other_target_is_rejected(target: bytes) -> None:
    with pytest.raises(BadTarget):
        origin_form(target)


@pytest.mark.parametrize("name", sorted(MAX_HEADER_BYTES), ids=bytes.decode)
def test_a_value_over_its_length_does_not_fit(name: bytes) -> None:
    assert HeaderSizes().fits(name + b": " + b"x" * MAX_HEADER_BYTES[name])
    assert not HeaderSizes().fits(name.upper() + b":" + b"x" * (MAX_HEADER_BYTES[name] + 1))


def test_values_of_one_name_count_together() -> None:
    """They are joined before they are parsed."""
    sizes = HeaderSizes()
    assert sizes.fits(b"Content-Type: " + b"x" * 200)
    assert not sizes.fits(b"content-type: " + b"x" * 100)
    assert sizes.fits(b"Host: chat.example"), "another name is counted separately"


def test_headers_that_are_never_parsed_may_be_long() -> None:
    """Cookies of other programs on this host, and headers that a proxy adds for itself."""
    sizes = HeaderSizes()
    assert sizes.fits(b"Cookie: " + b"x" * 15_000)
    assert sizes.fits(b"X-Proxy-Token: " + b"x" * 15_000)


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        b'multipart/form-data; boundary="a=b?c"; charset="UTF-8"',
        b"application/x-www-form-urlencoded; charset=ISO-8859-1",
        b"",
    ],
)
def test_an_ordinary_content_type_is_accepted(value: bytes) -> None:
    assert not has_bad_content_type(b"Content-Type: " + value)


@pytest.mark.parametrize(
    "value",
    [
        b"text/plain; charset*=x''%ff",
        b"text/plain; name*=undefined''%ff",
        b"multipart/form-data; boundary=x; charset=hex",
        b"multipart/form-data; boundary=x; CHARSET = 'idna'",
        b"multipart/form-data; boundary=\xff",
    ],
)
def test_a_content_type_on_which_django_fails_is_rejected(value: bytes) -> None:
    assert has_bad_content_type(b"content-type:" + value)
