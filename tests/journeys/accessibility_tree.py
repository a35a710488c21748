"""Chromium's accessibility tree of a page, as lines of text: what a screen reader is given."""

import re
from typing import Any

from playwright.sync_api import Page

TEXT_ROLES = {
    "generic",
    "none",
    "StaticText",
    "InlineTextBox",
    "LineBreak",
    "LabelText",
    "paragraph",
    "time",
    "sectionheader",
    "sectionfooter",
}
"""Boxes and pieces of text: their text is part of the name of the element around them."""
SHOWN_PROPERTIES = {
    "focused": True,
    "modal": True,
    "expanded": True,
    "selected": True,
    "checked": "true",
    "disabled": True,
    "hasPopup": None,
}
"""Properties that are written down when they have this value; None: any value but "false"."""

Node = dict[str, Any]


class AccessibilityTree:
    """A snapshot of the tree. Ignored nodes (hidden, inert, decoration) are left out."""

    def __init__(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        found: list[Node] = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        self.nodes = {node["nodeId"]: node for node in found}
        self.root = found[0]

    def lines(self, role: str = "", name: str = "") -> list[str]:
        """Each node as `role "name" [properties]`, indented; from the first one with this role and name."""
        start = self.find(role, name) if role else self.root
        return self._lines(start, 0)

    def find(self, role: str, name: str = "") -> Node:
        for node in self.nodes.values():
            if not node.get("ignored") and role_of(node) == role and (not name or name_of(node) == name):
                return node
        raise AssertionError(f"no {role} {name!r} in the tree:\n" + "\n".join(self.lines()))

    def properties(self, role: str, name: str = "") -> dict[str, Any]:
        return properties_of(self.find(role, name))

    def live_regions(self) -> dict[str, str]:
        """The live regions: role and politeness."""
        held = [
            (role_of(node), properties_of(node).get("live"))
            for node in self.nodes.values()
            if not node.get("ignored")
        ]
        return {role: live for role, live in held if live and live != "off"}

    def _lines(self, node: Node, depth: int) -> list[str]:
        children = [self.nodes[child] for child in node.get("childIds", []) if child in self.nodes]
        if node.get("ignored") or role_of(node) in TEXT_ROLES:
            return [line for child in children for line in self._lines(child, depth)]
        held = properties_of(node)
        shown = [
            key if value in (True, "true") else f"{key}={value}"
            for key, value in held.items()
            if is_shown(key, value)
        ]
        parts = [role_of(node)]
        if parts[0] == "heading":
            parts.append(str(held["level"]))
        if name_of(node):
            parts.append(f'"{name_of(node)}"')
        if shown:
            parts.append(f"[{', '.join(shown)}]")
        line = "  " * depth + " ".join(parts)
        return [line] + [line for child in children for line in self._lines(child, depth + 1)]


def role_of(node: Node) -> str:
    return str(node.get("role", {}).get("value", ""))


def name_of(node: Node) -> str:
    return " ".join(str(node.get("name", {}).get("value", "")).split())


def properties_of(node: Node) -> dict[str, Any]:
    return {held["name"]: held["value"].get("value") for held in node.get("properties", [])}


def is_shown(key: str, value: Any) -> bool:
    if key not in SHOWN_PROPERTIES:
        return False
    wanted = SHOWN_PROPERTIES[key]
    return bool(value) and value != "false" if wanted is None else value == wanted


def expect_modal(page: Page) -> None:
    lines = AccessibilityTree(page).lines()
    (dialog,) = [line for line in lines if line.strip().startswith("dialog")]
    assert re.search(r'dialog ".+" \[modal', dialog)
    assert not [line for line in lines if line.strip().startswith(("main", "complementary"))], (
        "the page behind a modal dialog is not in the tree"
    )
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "!document.activeElement || document.activeElement === document.body"
            " || !!document.activeElement.closest('dialog[open]')"
        )
