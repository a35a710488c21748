"""Citations: what a comment, a test or a page cites can be opened in this repository.

The codes are defined by docs/threats.md (T, F), docs/protocol.md (P), docs/interface.md (the other letters,
and T and F of its own) and docs/adr.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CODE_FOLDERS = (
    "accounts",
    "benchmarks",
    "conversations",
    "deploy",
    "dm_project",
    "static",
    "templates",
    "tests",
    "tools",
)
FOLDERS = (".", "docs", *CODE_FOLDERS)
KINDS = {".py", ".js", ".css", ".html", ".md", ".toml", ".yaml", ".yml", ".conf", ".sh", ".service"}
LEFT_OUT = {"vendor", "results", "screenshots", "golden", Path(__file__).name}

OUTSIDE = re.compile(
    r"\b(?:house|safety|stack|core|performance|product|capabilities|architecture)\.md\b"
    r"|\bui-spec\b|\bshared/(?:design|findings)\b"
)
CODE = r"[A-Z]\d{1,2}"
CODES = rf"{CODE}(?:(?:,| and| to|, and) {CODE})*\b"
OF_A_PAGE = re.compile(rf"\b(threats|interface|protocol)\.md,? ({CODES})")
BARE = re.compile(rf"\(({CODES})(?=[),:;. ])")
ADR = re.compile(r"\bADR (\d+)|\badr/(\d{4})")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_files(folder: str) -> list[Path]:
    found = (ROOT / folder).rglob("*") if folder != "." else [*ROOT.glob("*.*"), ROOT / "Makefile"]
    kept = (path for path in found if path.suffix in KINDS or path.name == "Makefile")
    return sorted(path for path in kept if not LEFT_OUT & set(path.relative_to(ROOT).parts))


def rows(page: str) -> set[str]:
    """The codes that a page defines: the first cell of a table's row, or the bold beginning of an item."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return set(re.findall(rf"^(?:\| |- \*\*)({CODE})\b", text, flags=re.MULTILINE))


ROWS = {"threats": rows("threats.md"), "protocol": rows("protocol.md"), "interface": rows("interface.md")}
DECISIONS = {path.name[:4] for path in (DOCS / "adr").glob("[0-9]*.md")}


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def dangling(path: Path) -> list[str]:
    """Citations of codes and decisions that nothing defines."""
    found = []
    for number, line in lines_of(path):
        for page, codes in OF_A_PAGE.findall(line):
            found += [
                f"{number}: {page}.md {code}" for code in re.findall(CODE, codes) if code not in ROWS[page]
            ]
        for codes in BARE.findall(line):
            known = set.union(*ROWS.values())
            found += [f"{number}: ({code})" for code in re.findall(CODE, codes) if code not in known]
        for numbers in ADR.findall(line):
            decision = next(filter(None, numbers)).zfill(4)
            found += [f"{number}: ADR {decision}"] if decision not in DECISIONS else []
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_cited_code_has_its_row(folder: str) -> None:
    found = {relative(path): dangling(path) for path in text_files(folder)}
    assert {name: codes for name, codes in found.items() if codes} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_page_outside_this_repository_is_cited(folder: str) -> None:
    found = [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in text_files(folder)
        for number, line in lines_of(path)
        if OUTSIDE.search(line)
    ]
    assert found == []


def test_all_threats_faults_and_promises_have_a_row() -> None:
    assert {f"T{number}" for number in range(1, 71)} <= ROWS["threats"]
    assert {f"F{number}" for number in range(1, 33)} <= ROWS["threats"]
    assert {f"P{number}" for number in range(1, 13)} == ROWS["protocol"]


NAMED_TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(test_\w+)`")
NAMED_PATH = re.compile(
    r"`((?:accounts|conversations|dm_project|static|templates|tests|tools|docs|benchmarks)/[\w./-]+)`"
)


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=relative)
def test_each_test_and_file_named_by_a_page_exists(path: Path) -> None:
    """Renamed a test or a module? Rename it in the page, too."""
    text = path.read_text(encoding="utf-8")
    missing = [
        f"{file}::{test}"
        for file, test in NAMED_TEST.findall(text)
        if not (ROOT / file).is_file() or f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing + [name for name in NAMED_PATH.findall(text) if not (ROOT / name).exists()] == []


def test_the_rule_finds_citations() -> None:
    assert OUTSIDE.search("see safety.md T61")
    assert OF_A_PAGE.findall("docs/threats.md T61, T62 and F3") == [("threats", "T61, T62 and F3")]
    assert BARE.findall("once a second (P9), and (K1, K2: quiet)") == ["P9", "K1, K2"]
    assert "T71" not in ROWS["threats"]
