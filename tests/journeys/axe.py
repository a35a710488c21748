"""Accessibility checks of a page by axe-core (a copy is in vendor/): its violations as strings."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
NO_GRADIENTS = "*::before, *::after { background-image: none !important; }"
"""axe-core skips text over a gradient. Ours are faint spots of light on one colour, so they are removed."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page, only: str = "") -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.evaluate(
            "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
            " document.adoptedStyleSheets.push(sheet); }",
            NO_GRADIENTS,
        )
    wanted = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": TAGS}
    found = page.evaluate(
        "(wanted) => axe.run(document, { runOnly: wanted, preload: false, resultTypes: ['violations'] })",
        wanted,
    )
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
