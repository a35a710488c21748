"""Figures that a row measures, beside the columns that must be zero. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.history import percentile


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `goal` is an upper bound, a lower one with `at_least`, None without a goal. Never fails a
    run."""

    name: str
    value: float
    unit: str = ""
    goal: float | None = None
    at_least: bool = False

    @property
    def is_beyond(self) -> bool:
        if self.goal is None:
            return False
        return self.value < self.goal if self.at_least else self.value > self.goal

    def __str__(self) -> str:
        number = (
            "never"
            if self.value == float("inf")
            else f"{self.value:.3g}"
            if self.unit and self.value < 1000
            else f"{self.value:.0f}"
        )
        text = f"{self.name} {number}{f' {self.unit}' if self.unit else ''}"
        if self.goal is None:
            return text
        goal = f"{'≥' if self.at_least else '≤'} {self.goal:g}"
        return f"{text} (goal {goal}{', **beyond the goal**' if self.is_beyond else ''})"


class Figures:
    """The figures of one run of a row, in order."""

    def __init__(self) -> None:
        self.all: list[Figure] = []

    def add(
        self, name: str, value: float, unit: str = "", *, goal: float | None = None, at_least: bool = False
    ) -> None:
        self.all.append(Figure(name, value, unit, goal, at_least))

    def percentiles(self, name: str, seconds: list[float], *, goal_p99: float | None = None) -> None:
        """Median and 99th percentile of sorted seconds, in milliseconds, as is the goal."""
        if seconds:
            self.add(f"{name} p50", percentile(seconds, 0.5) * 1000, "ms")
            self.add(f"{name} p99", percentile(seconds, 0.99) * 1000, "ms", goal=goal_p99)

    def __str__(self) -> str:
        return ", ".join(map(str, self.all))
