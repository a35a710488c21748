"""Motion in the style sheets (check 28): transitions are short, and three animations are endless."""

import re
from pathlib import Path

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
SHEETS = {path.name: path.read_text(encoding="utf-8") for path in sorted(CSS.glob("*.css"))}
LONGEST_MS = 240
# The typing dots, the sign of a button that waits for an answer, and the dot while a microphone is on.
ENDLESS = {("message.css", "breathe"), ("button.css", "turn"), ("recorder.css", "recorder-dot")}

TOKENS = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", SHEETS["tokens.css"]))


def declared(property: str) -> list[tuple[str, str]]:
    """Each declaration of this property or a part of it, as sheet and value, with the tokens put in."""
    return [
        (name, re.sub(r"var\((--[\w-]+)\)", lambda used: TOKENS[used[1]], value))
        for name, sheet in SHEETS.items()
        for value in re.findall(rf"(?<![\w-]){property}(?:-duration)?:\s*([^;]+);", sheet)
    ]


def longest(value: str) -> float:
    """The longest time in this value, in milliseconds."""
    times = re.findall(r"(?<![\w.-])([\d.]+)(ms|s)\b", value)
    return max((float(number) * (1 if unit == "ms" else 1_000) for number, unit in times), default=0)


def test_no_transition_takes_longer_than_a_quarter_of_a_second() -> None:
    transitions = declared("transition")
    assert len(transitions) > 5
    assert any(longest(value) > 0 for _, value in transitions)
    assert [(sheet, value) for sheet, value in transitions if longest(value) > LONGEST_MS] == []


def test_only_the_typing_dots_a_waiting_button_and_a_recording_move_for_ever() -> None:
    endless = {(sheet, value.split()[0]) for sheet, value in declared("animation") if "infinite" in value}
    assert endless == ENDLESS


def test_the_rule_reads_seconds_and_milliseconds() -> None:
    assert longest("opacity 0.5s, color 120ms ease 1s") == 1_000
    assert longest("none !important") == 0
