"""Where somebody comes from, for everything that counts by address: our limits and those of allauth use this one function.

`client_address` is pure; `address_of` knows how many proxies are ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNKNOWN = "unknown"
MACHINE_V6, SITE_V6, SITE_V4 = 64, 48, 24
"""Of an IPv6 address, one machine has a whole /64, and one customer a whole /48."""
WITH_PORT = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|(?P<v4>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}",
    re.ASCII,
)
"""Some proxies write ports (RFC 7239 section 6): `192.0.2.1:50123`, `[2001:db8::1]:443`."""


def client_address(forwarded: str, peer: str, proxies: int) -> str:
    """The address that limits count, believed only as far as our own proxies wrote it.

    Args:
        forwarded: all X-Forwarded-For headers, joined by commas. Whatever stands left of what our proxies added is the visitor's invention:
            believing it would give everybody a new address with every request.
        peer: who is connected to us.
        proxies: how many proxies of ours stand in front (TRUSTED_PROXIES).

    Returns: an IPv4 address, or the /64 network of an IPv6 address, because one machine has all of it.
    """
    chain = [part.strip() for part in forwarded.split(",") if part.strip()] if proxies else []
    for candidate in [*chain[-proxies:], peer] if proxies else [peer]:
        found = parsed(candidate)
        if found is not None:
            return str(network_of(found, MACHINE_V6))
    return peer or UNKNOWN


def parsed(text: str) -> Address | None:
    """An address in any form in which servers and proxies write one: with a port, in brackets, in quotes, with the zone of a link."""
    bare = text.strip().strip('"')
    with_port = WITH_PORT.fullmatch(bare)
    if with_port:
        bare = with_port["bracketed"] or with_port["v4"]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    # A listener for both families (HOST=::) sees IPv4 so. Cut to a network, all of it would be one visitor.
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def network_of(
    found: Address, v6: int, v4: int = 32
) -> Address | ipaddress.IPv4Network | ipaddress.IPv6Network:
    """All neighbours on one link are in one network (fe80::/64): they are told apart."""
    length = v4 if isinstance(found, ipaddress.IPv4Address) else v6
    if found.is_link_local or length == found.max_prefixlen:
        return found
    return ipaddress.ip_network(f"{found}/{length}", strict=False)


def site_of(address: str) -> str:
    """The larger network around an address of `client_address`: what one customer of a provider may have, a /48 or a /24."""
    found = parsed(address.partition("/")[0])
    if found is None:
        return address
    return str(network_of(found, SITE_V6, SITE_V4))


def address_of(meta: Mapping[str, Any]) -> str:
    """Of an HTTP request, by its META."""
    return client_address(
        meta.get("HTTP_X_FORWARDED_FOR", ""), meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES
    )


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """Of a socket's handshake."""
    forwarded = ",".join(
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"
    )
    client = scope.get("client") or ("", 0)
    return client_address(forwarded, str(client[0]), settings.TRUSTED_PROXIES)
