"""axe-core as the examiner of a page: what it finds, as sentences. A copy of it lies in vendor/."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
FLAT = "*::before, *::after { background-image: none !important; }"
"""Of a text over a gradient axe-core says nothing at all; those in use are faint spots of light on one colour."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page, only: str = "") -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.evaluate(
            "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets.push(sheet); }",
            FLAT,
        )
    wanted = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": RULES}
    found = page.evaluate(
        "(wanted) => axe.run(document, { runOnly: wanted, preload: false, resultTypes: ['violations'] })",
        wanted,
    )
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
