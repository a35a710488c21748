"""Client IP address behind trusted proxies: the single source for our rate limits and those of allauth.

`client_address` is pure; `address_of` and `address_of_scope` read TRUSTED_PROXIES.
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
"""Prefix lengths: with IPv6 one machine has a /64, and one customer a /48."""
WITH_PORT = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|(?P<v4>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}",
    re.ASCII,
)
"""Some proxies add the port (RFC 7239 section 6): `192.0.2.1:50123`, `[2001:db8::1]:443`."""


def client_address(forwarded: str, peer: str, proxies: int) -> str:
    """The address that limits count. Trusts only the entries that our own proxies added.

    Args:
        forwarded: all X-Forwarded-For headers, joined by commas. Entries to the left of those that our
            proxies added are forgeable: trusted, they would give an attacker a new address for each request.
        peer: the address of the TCP connection.
        proxies: the number of our proxies in front (TRUSTED_PROXIES).

    Returns: an IPv4 address, or the /64 network of an IPv6 address, because one machine owns all of it.
    """
    chain = [part.strip() for part in forwarded.split(",") if part.strip()] if proxies else []
    for candidate in [*chain[-proxies:], peer] if proxies else [peer]:
        found = parsed(candidate)
        if found is not None:
            return str(network_of(found, MACHINE_V6))
    return peer or UNKNOWN


def parsed(text: str) -> Address | None:
    """Parses the forms that servers and proxies write: with port, brackets, quotes or a zone id."""
    bare = text.strip().strip('"')
    with_port = WITH_PORT.fullmatch(bare)
    if with_port:
        bare = with_port["bracketed"] or with_port["v4"]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack listener (HOST=::) sees IPv4 as mapped addresses: their /64 would be one for all clients.
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def network_of(
    found: Address, v6: int, v4: int = 32
) -> Address | ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The enclosing network. Link-local addresses are kept whole, as all hosts of a link share fe80::/64."""
    length = v4 if isinstance(found, ipaddress.IPv4Address) else v6
    if found.is_link_local or length == found.max_prefixlen:
        return found
    return ipaddress.ip_network(f"{found}/{length}", strict=False)


def site_of(address: str) -> str:
    """The /48 or /24 around a result of `client_address`: roughly what one customer of a provider owns."""
    found = parsed(address.partition("/")[0])
    if found is None:
        return address
    return str(network_of(found, SITE_V6, SITE_V4))


def address_of(meta: Mapping[str, Any]) -> str:
    """The client address of an HTTP request, from its META."""
    return client_address(
        meta.get("HTTP_X_FORWARDED_FOR", ""), meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES
    )


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """The client address of a WebSocket handshake."""
    forwarded = ",".join(
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"
    )
    client = scope.get("client") or ("", 0)
    return client_address(forwarded, str(client[0]), settings.TRUSTED_PROXIES)
