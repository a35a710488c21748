"""An HTTP browser of a user: signs up, logs in, posts forms, calls the API, provides cookies for sockets."""

import re
import ssl
from types import TracebackType
from typing import Any
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The servers speak plain HTTP; this avoids loading all certificate authorities, 25 ms for each client."""


class Person:
    """One browser of one user. Use as a context manager, or call `leave()`."""

    def __init__(self, address: str, username: str, name: str = "") -> None:
        self.address = address
        self.username = username
        self.name = name or username.capitalize()
        self.http = httpx.Client(
            base_url=address, follow_redirects=False, timeout=30, headers={"Origin": address}, verify=NO_TLS
        )

    def __enter__(self) -> "Person":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        self.http.close()

    @property
    def cookies(self) -> str:
        """The Cookie header of this browser."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)

    def at(self, address: str) -> "Person":
        """The same session, at another process of the same service."""
        other = Person(address, self.username, self.name)
        other.http.cookies = httpx.Cookies(self.http.cookies)
        return other

    def csrf_token(self, page: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.http.get(page).text)
        assert found, f"no form on {page}"
        return found.group(1)

    def post_form(self, page: str, *, to: str = "", **fields: Any) -> httpx.Response:
        """Post the form of a page, like a browser without JavaScript."""
        fields["csrfmiddlewaretoken"] = self.csrf_token(page)
        return self.http.post(to or page, data=fields, headers={"Referer": f"{self.address}{page}"})

    def sign_up(self, **fields: Any) -> httpx.Response:
        filled = {
            "username": self.username,
            "name": self.name,
            "password1": PASSWORD,
            "listed": "on",
            **fields,
        }
        answer = self.post_form("/accounts/signup/", **filled)
        assert answer.status_code in {302, 303}, (
            f"sign-up was refused ({answer.status_code}): {answer.text[:3000]}"
        )
        return answer

    def log_in(self, password: str = PASSWORD) -> httpx.Response:
        answer = self.post_form("/accounts/login/", login=self.username, password=password)
        assert answer.status_code in {302, 303}, (
            f"log-in was refused ({answer.status_code}): {answer.text[:3000]}"
        )
        return answer

    def log_out(self) -> httpx.Response:
        return self.post_form("/accounts/logout/")

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Call the HTTP API; `path` is relative to /api/v1."""
        token = (
            next((cookie.value for cookie in self.http.cookies.jar if cookie.name.endswith("csrftoken")), "")
            or ""
        )
        return self.http.request(
            method, f"/api/v1{path}", json=body, headers={"X-CSRFToken": token, **headers}
        )

    def open_chat_with(self, peer: "Person") -> str:
        """Open or find the conversation. Returns its room name."""
        answer = self.api("POST", "/conversations", {"user": peer.username})
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["room"])

    def write(self, room: str, body: str, id: str = "") -> httpx.Response:
        return self.api("POST", f"/conversations/{room}/messages", {"id": id or str(uuid4()), "body": body})
