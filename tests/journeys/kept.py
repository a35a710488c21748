"""Browsers that stay open for several tests of a module: a person's first page costs a second of CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.journeys.conftest import save_screenshots
from tests.journeys.visitors import Visitor


class KeptVisitors:
    """Visitors with open pages. Each test leaves these as it found them; after a failure others are opened.

    Args:
        open_visitors: opens them; its argument makes their usernames unique.
    """

    def __init__(self, open_visitors: Callable[[str], list[Visitor]]) -> None:
        self.open_visitors = open_visitors
        self.opened = 0
        self.visitors: list[Visitor] = []

    @contextmanager
    def lend(self, request: pytest.FixtureRequest) -> Iterator[list[Visitor]]:
        if not self.visitors:
            self.opened += 1
            self.visitors = self.open_visitors("x" * self.opened)
        yield self.visitors
        faults = {each.username: list(each.faults) for each in self.visitors if each.faults}
        report = getattr(request.node, "report_of_call", None)
        if report is None or report.failed or faults:
            for each in self.visitors:
                save_screenshots(each, request.node.name)
            self.leave()
        assert not faults, f"pages had faults: {faults}"

    def leave(self) -> None:
        for each in self.visitors:
            each.leave()
        self.visitors = []
