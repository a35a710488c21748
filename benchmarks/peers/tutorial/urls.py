"""No pages: only its sockets are measured."""

from typing import Any

urlpatterns: list[Any] = []
