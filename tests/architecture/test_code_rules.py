"""The house checks itself: names, sizes, arrows and the forms that a strict Content-Security-Policy allows.

Reads files only; imports nothing of the product.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("dm_project", "accounts", "conversations")
MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))

# Where a room becomes a hall. Look twice long before: at 250 lines of Python, 35 of a function.
PYTHON_LINES, SCRIPT_LINES, ENTRY_LINES, STYLE_LINES, PARTIAL_LINES, PAGE_LINES = 400, 240, 60, 300, 60, 120

# Markup that we make ourselves from numbers only: the QR code of an invite.
SAFE_ALLOWED = {"invite.qr|safe", "fresh.qr|safe"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


# --- Python ---


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), (
        "begin the module with two sentences: what it is for, and who may enter"
    )


def test_no_room_is_called_utils() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [
        name_of(path)
        for path in MODULES
        if path.stem in nameless or nameless & set(path.relative_to(ROOT).parent.parts)
    ] == []


def test_no_python_module_is_a_hall() -> None:
    assert {
        name_of(path): lines_of(path)
        for path in MODULES
        if lines_of(path) > PYTHON_LINES and path.name != "settings.py"
    } == {}


def test_only_delivery_and_readiness_know_the_channel_layer() -> None:
    knowing = {name_of(path) for path in MODULES if "get_channel_layer" in path.read_text(encoding="utf-8")}
    assert knowing <= {"conversations/delivery.py", "dm_project/health.py"}


def test_no_html_is_declared_safe_outside_the_one_place_that_draws_it() -> None:
    """Stored text that is called safe is how a message becomes a script in the peer's browser."""
    trusting = {
        name_of(path)
        for path in MODULES
        if re.search(r"\bmark_safe\b|\bSafeString\b", path.read_text(encoding="utf-8"))
    }
    assert trusting <= {"conversations/selectors/invites.py"}


def test_no_query_is_put_together_from_text() -> None:
    """An f-string in execute() is how a name becomes SQL; the journal's statements insert placeholders and our own constants only."""
    suspicious = re.compile(r"\.(raw|extra)\(")
    assert [name_of(path) for path in MODULES if suspicious.search(path.read_text(encoding="utf-8"))] == []


# --- Templates ---


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_escape_everything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "autoescape off" not in text
    trusted = {re.sub(r"\s", "", found) for found in re.findall(r"[\w.]+\s*\|\s*safe\b", text)}
    assert trusted <= SAFE_ALLOWED


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_keep_to_the_strict_policy(path: Path) -> None:
    """No inline style, no inline handler, no inline script: the browser would refuse them, and rightly."""
    text = re.sub(
        r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert re.findall(r"<[^>]*\sstyle\s*=", text) == []
    assert re.findall(r"<[^>]*\son[a-z]+\s*=", text) == []
    assert re.findall(r"javascript:", text) == []
    scripts = re.findall(r"<script\b[^>]*>", text)
    assert [tag for tag in scripts if "src=" not in tag and "application/json" not in tag] == []
    assert re.findall(r"<style\b", text) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_ask_no_other_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|srcset|action)="(?:https?:)?//[^"]*"', text) == []
    assert re.findall(r'<link\b[^>]*href="(?:https?:)?//[^"]*"', text) == []


def test_no_template_is_a_hall() -> None:
    def limit(path: Path) -> int:
        return PARTIAL_LINES if path.name.startswith("_") else PAGE_LINES

    assert {name_of(path): lines_of(path) for path in TEMPLATES if lines_of(path) > limit(path)} == {}


def test_every_partial_gets_its_arguments_by_name() -> None:
    """A partial that reads the page's whole context cannot be moved, nor drawn by anybody else."""
    careless = []
    for path in TEMPLATES:
        for tag in re.findall(r'{% include "[^"]*/_[^"]*"[^%]*%}', path.read_text(encoding="utf-8")):
            if not tag.rstrip("%} ").endswith("only") and "/partials/" not in tag and '"partials/' not in tag:
                careless.append(f"{name_of(path)}: {tag}")
    assert careless == []


# --- JavaScript ---

FLOORS = {"pages": 5, "view": 4, "net": 4, "state": 3, "protocol": 2, "lib": 1}
IMPORT = re.compile(
    r"""(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']"""
)


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", text, flags=re.DOTALL)


def floor_of(path: Path) -> str:
    return path.relative_to(ROOT / "static" / "js").parts[0]


def imports_of(path: Path) -> list[Path]:
    found = IMPORT.findall(without_comments(path.read_text(encoding="utf-8")))
    return [(path.parent / next(filter(None, names))).resolve() for names in found]


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_modules_import_from_lower_floors_only(path: Path) -> None:
    """pages > view, net > state > protocol > lib; view and net are strangers. Within a floor modules may know each other."""
    for other in imports_of(path):
        assert other.is_file(), f"imports {other.name}, which is not there"
        mine, theirs = floor_of(path), floor_of(other)
        assert theirs in FLOORS, f"{theirs} is no floor of the house"
        assert mine == theirs or FLOORS[mine] > FLOORS[theirs], f"{mine} may not import from {theirs}"


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_no_import_stands_in_a_comment(path: Path) -> None:
    """collectstatic follows it and breaks."""
    comments = re.findall(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [comment for comment in comments if re.search(r"\bimport\b[^\n]*[\"']", comment)] == []


@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if floor_of(path) in {"state", "protocol"}], ids=name_of
)
def test_state_and_protocol_touch_no_browser(path: Path) -> None:
    """Clock, timers and senders are handed in; that is what lets Node test them without a wait."""
    code = without_comments(path.read_text(encoding="utf-8"))
    world = r"(?<![.#\w])(document|window|fetch|WebSocket|setTimeout|setInterval|localStorage|navigator|Date\.now)\b(?!\s*[:=])"
    assert re.findall(world, code) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_never_make_html_from_strings(path: Path) -> None:
    """innerHTML with a peer's text is how a message becomes a script."""
    code = without_comments(path.read_text(encoding="utf-8"))
    assert (
        re.findall(
            r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function)\b(?=\s*[=(])", code
        )
        == []
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_never_select_by_class(path: Path) -> None:
    code = without_comments(path.read_text(encoding="utf-8"))
    assert re.findall(r"""(?:querySelector(?:All)?|closest|matches)\(\s*["'`][^"'`]*\.[a-z]""", code) == []
    assert "getElementsByClassName" not in code


ENTRY = re.compile(r"""<script type="module" src="{% static 'js/pages/([^']+)'""")


def test_no_script_is_a_hall() -> None:
    def limit(path: Path) -> int:
        # The others in pages/ are what entries share: the shell, and what it opens.
        return ENTRY_LINES if path.name in entries else SCRIPT_LINES

    entries = {name for path in TEMPLATES for name in ENTRY.findall(path.read_text(encoding="utf-8"))}
    assert {name_of(path) for path in SCRIPTS if path.name in entries} > {
        "static/js/pages/chats.js",
        "static/js/pages/people.js",
    }
    assert {name_of(path): lines_of(path) for path in SCRIPTS if lines_of(path) > limit(path)} == {}


# --- CSS ---


def test_no_style_sheet_is_a_hall() -> None:
    assert {name_of(path): lines_of(path) for path in STYLES if lines_of(path) > STYLE_LINES} == {}


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_style_sheets_know_no_left_and_right(path: Path) -> None:
    """A language written from the right needs no second sheet: sides are called start and end (docs/interface.md T3)."""
    code = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    sides = r"(?:[\w-]+-(?:left|right)(?:-[\w-]+)?|left|right)\s*:"
    values = r"(?:text-align|float|clear|justify-(?:content|items|self))\s*:\s*(?:left|right)\b"
    assert re.findall(rf"(?<![\w-])(?:{sides}|{values})", code) == []


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_style_sheets_ask_no_other_host(path: Path) -> None:
    assert re.findall(r"url\(\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")) == []
