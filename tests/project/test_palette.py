"""The palette has enough contrast, and the style sheets use its colours only."""

import re

import pytest

from tests.rig.environment import ROOT
from tools import palette


def test_every_pair_of_colours_has_enough_contrast_in_both_themes() -> None:
    assert not list(palette.low_contrast_pairs())


def test_a_colour_without_contrast_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(palette.COLOURS, "ink-faint", ((62, 0.018, 228), palette.COLOURS["ink-faint"][1]))
    weak = list(palette.low_contrast_pairs())
    assert any(line.startswith("list: time: ink-faint on panel in the light theme has 3.") for line in weak)
    assert not any("dark theme" in line for line in weak)


def test_the_style_sheet_has_the_colours_of_the_palette() -> None:
    css = palette.TOKENS.read_text()
    assert palette.written(css) == css, "run `make palette`"


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_follows_the_guidelines(first: str, second: str, ratio: float) -> None:
    assert palette.contrast(first, second) == pytest.approx(ratio, abs=0.01)


def test_no_rule_names_a_colour_of_its_own() -> None:
    """Rules use tokens; a literal colour in a rule would escape every check above."""
    allowed = {
        "tokens.css",  # the palette and its shades
        "print.css",  # black on paper in every theme
        "invite.css",  # the white plate of the QR code: cameras expect it in both themes
    }
    for sheet in sorted((ROOT / "static" / "css").glob("*.css")):
        if sheet.name in allowed:
            continue
        css = re.sub(r"/\*.*?\*/|url\(.*?\)", "", sheet.read_text(), flags=re.DOTALL)
        found = re.findall(r"#[0-9a-f]{3,8}\b(?=[^{]*;)|\b(?:rgb|hsl|oklch)a?\(", css)
        assert not found, f"{sheet.name} names {found}"


def test_only_logical_sides_are_named() -> None:
    """Left and right are wrong in a right-to-left language."""
    sides = re.compile(
        r"(?:^|[{;\s])(?:(?:margin|padding|border|inset)-(?:left|right|top|bottom)[\w-]*|left|right"
        r"|float: (?:left|right)|text-align: (?:left|right)"
        r"|border-(?:top|bottom)-(?:left|right)-radius|(?:min-|max-)?(?:width|height))\s*:"
    )
    for sheet in sorted((ROOT / "static" / "css").glob("*.css")):
        css = re.sub(
            r"/\*.*?\*/|@(?:media|container)[^{]*|url\(.*?\)", "", sheet.read_text(), flags=re.DOTALL
        )
        found = [match.group(0).strip() for match in sides.finditer(css)]
        assert not found, f"{sheet.name}: {found}"
        assert not re.search(r"(?:float|text-align|clear):\s*(?:left|right)", css), sheet.name


def test_each_delivery_state_has_its_own_shape_and_only_read_is_filled() -> None:
    """At 15 pixels two shades of one shape cannot be told apart, and some users see no colours."""
    css = (ROOT / "static" / "css" / "delivery-status.css").read_text()
    shapes = dict(re.findall(r'\.row__ticks\[data-state="(\w+)"\] \{\s*--tick: url\("([^"]+)"\)', css))
    in_bubbles = re.findall(r'\.message\[data-state="(\w+)"\],\s*\.row__ticks\[data-state="(\w+)"\] \{', css)
    assert set(shapes) == {"pending", "sent", "delivered", "read", "failed"}
    assert {row for bubble, row in in_bubbles if bubble == row} == set(shapes)
    assert len(set(shapes.values())) == len(shapes)
    assert [state for state, shape in shapes.items() if "fill='none' stroke=" not in shape] == ["read"]
