"""Rules of the code: names, sizes, widths, imports, and what a strict Content-Security-Policy allows.

Reads files only; imports nothing of the product.
"""

import ast
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("dm_project", "accounts", "conversations")
MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))

# Ceilings, in lines. Split a module long before: at about 250 lines of Python or two nouns, a function at 35.
PYTHON_LINES, FUNCTION_LINES = 400, 60
SCRIPT_LINES, ENTRY_LINES = 270, 60
STYLE_LINES, PARTIAL_LINES, PAGE_LINES = 300, 64, 90

# Widths, in columns, without pragmas and what cannot be broken (WHOLE).
PYTHON_COLUMNS, SCRIPT_COLUMNS = 110, 120
# Markup that we make ourselves from numbers only: the QR code of an invite.
SAFE_ALLOWED: set[str] = set()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def findings(paths: list[Path], find: Callable[[str], Iterable[object]]) -> dict[str, list[object]]:
    """What `find` finds in the text of each file, by file; files without findings are left out.

    One test over all files, not one test for each: there are hundreds, and each test costs more than a look
    into a file.
    """
    found = {name_of(path): list(find(path.read_text(encoding="utf-8"))) for path in paths}
    return {name: each for name, each in found.items() if each}


# --- Python ---


def test_every_module_says_what_it_is_for() -> None:
    """It begins with its docstring: what the module is, in the field's term."""

    def has_docstring(path: Path) -> bool:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return not tree.body or bool(ast.get_docstring(tree))

    assert [name_of(path) for path in MODULES if not has_docstring(path)] == []


def test_no_module_is_called_utils() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [
        name_of(path)
        for path in MODULES
        if path.stem in nameless or nameless & set(path.relative_to(ROOT).parent.parts)
    ] == []


def test_no_python_module_is_too_long() -> None:
    assert {
        name_of(path): lines_of(path)
        for path in MODULES
        if lines_of(path) > PYTHON_LINES and path.name != "settings.py"
    } == {}


def function_lengths(path: Path) -> dict[str, int]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {
        f"{name_of(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in functions
    }


def test_no_function_is_too_long() -> None:
    lengths = {name: lines for path in MODULES for name, lines in function_lengths(path).items()}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


ACTORLESS = re.compile(r"\b(?:some|no|any|every)body\b|\bwhoever\b|\banew\b", re.IGNORECASE)
"""Prose names its actor: the client, the writer thread, a user who is not logged in."""


def prose_of(path: Path) -> Iterator[str]:
    """The lines of a document, or the comments and docstrings of a module."""
    if path.suffix != ".py":
        yield from path.read_text(encoding="utf-8").splitlines()
        return
    previous = tokenize.NEWLINE
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            is_docstring = token.type == tokenize.STRING and previous in {
                tokenize.NEWLINE,
                tokenize.INDENT,
                tokenize.DEDENT,
            }
            if token.type == tokenize.COMMENT or is_docstring:
                yield from token.string.splitlines()
            if token.type not in {tokenize.NL, tokenize.COMMENT}:
                previous = token.type


def test_prose_names_its_actor() -> None:
    folders = (*APPS, "tests", "tools", "benchmarks", "docs")
    paths = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"}
    ]
    found = {
        f"{name_of(path)}: {line.strip()}"
        for path in (*paths, *ROOT.glob("*.md"))
        for line in prose_of(path)
        if ACTORLESS.search(line)
    }
    assert found == set()


PRAGMA = re.compile(r"  # (?:type: ignore|noqa).*$")
# A text for translators is one string, and Django reads a tag on one line only.
WHOLE = re.compile(r"{% (?:blocktrans|trans)|endblocktrans|\|{n} |^\s*{%[^%]*%}$")


def too_wide(paths: list[Path], columns: int) -> list[str]:
    return [
        f"{name_of(path)}:{number} has {len(line)} columns"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(PRAGMA.sub("", line)) > columns and not WHOLE.search(line)
    ]


def test_no_line_of_python_is_too_wide() -> None:
    folders = (*APPS, "tests", "tools", "benchmarks")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert too_wide([path for path in paths if "migrations" not in path.parts], PYTHON_COLUMNS) == []


def test_no_line_of_a_script_or_template_is_too_wide() -> None:
    folders = ("static", "templates", "tests", "benchmarks", "accounts", "conversations")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    kept = [path for path in paths if path.suffix in {".js", ".html"} and "vendor" not in path.parts]
    assert too_wide(kept, SCRIPT_COLUMNS) == []


def test_only_the_publisher_and_readiness_know_the_channel_layer() -> None:
    found = {name_of(path) for path in MODULES if "get_channel_layer" in path.read_text(encoding="utf-8")}
    assert found <= {"conversations/delivery.py", "dm_project/health.py"}


def test_no_html_is_declared_safe_outside_the_modules_that_draw_it() -> None:
    """Stored text that is marked safe turns a message into a script in the peer's browser (T25)."""
    found = {
        name_of(path)
        for path in MODULES
        if re.search(r"\bmark_safe\b|\bSafeString\b", path.read_text(encoding="utf-8"))
    }
    assert found <= {"conversations/templatetags/qr_code.py", "conversations/templatetags/markup.py"}


def test_no_query_is_built_from_text() -> None:
    """`raw` and `extra` let a name become SQL. The journal inserts placeholders and constants only."""
    suspicious = re.compile(r"\.(raw|extra)\(")
    assert [name_of(path) for path in MODULES if suspicious.search(path.read_text(encoding="utf-8"))] == []


# --- Templates ---


def test_templates_escape_everything() -> None:
    def unescaped(text: str) -> Iterator[str]:
        yield from re.findall("autoescape off", text)
        trusted = {re.sub(r"\s", "", found) for found in re.findall(r"[\w.]+\s*\|\s*safe\b", text)}
        yield from trusted - SAFE_ALLOWED

    assert findings(TEMPLATES, unescaped) == {}


def test_templates_keep_to_the_strict_policy() -> None:
    """No inline style, handler or script: the Content-Security-Policy makes the browser refuse them."""

    def refused(text: str) -> Iterator[str]:
        text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", text, flags=re.DOTALL)
        for pattern in (r"<[^>]*\sstyle\s*=", r"<[^>]*\son[a-z]+\s*=", r"javascript:", r"<style\b"):
            yield from re.findall(pattern, text)
        scripts = re.findall(r"<script\b[^>]*>", text)
        yield from (tag for tag in scripts if "src=" not in tag and "application/json" not in tag)

    assert findings(TEMPLATES, refused) == {}


def test_templates_request_nothing_from_another_host() -> None:
    foreign = re.compile(
        r'(?:src|srcset|action)="(?:https?:)?//[^"]*"' r'|<link\b[^>]*href="(?:https?:)?//[^"]*"'
    )
    assert findings(TEMPLATES, foreign.findall) == {}


def test_no_template_is_too_long() -> None:
    def limit(path: Path) -> int:
        return PARTIAL_LINES if path.name.startswith("_") else PAGE_LINES

    assert {name_of(path): lines_of(path) for path in TEMPLATES if lines_of(path) > limit(path)} == {}


def test_every_partial_gets_its_arguments_by_name() -> None:
    """A partial that reads the whole context of its page cannot be used on another page."""
    found = []
    for path in TEMPLATES:
        for tag in re.findall(r'{% include "[^"]*/_[^"]*"[^%]*%}', path.read_text(encoding="utf-8")):
            if not tag.rstrip("%} ").endswith("only") and "/partials/" not in tag and '"partials/' not in tag:
                found.append(f"{name_of(path)}: {tag}")
    assert found == []


# --- JavaScript ---

LAYERS = {"pages": 5, "view": 4, "net": 4, "state": 3, "protocol": 2, "lib": 1}
IMPORT = re.compile(
    r"""(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']"""
    r"""|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']"""
)


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", text, flags=re.DOTALL)


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT / "static" / "js").parts[0]


def imports_of(path: Path) -> list[Path]:
    found = IMPORT.findall(without_comments(path.read_text(encoding="utf-8")))
    return [(path.parent / next(filter(None, names))).resolve() for names in found]


def test_modules_import_from_lower_layers_only() -> None:
    """pages > view, net > state > protocol > lib; view and net do not import each other."""
    wrong = []
    for path in SCRIPTS:
        for other in imports_of(path):
            mine, theirs = layer_of(path), layer_of(other)
            is_lower = theirs in LAYERS and (mine == theirs or LAYERS[mine] > LAYERS[theirs])
            if not (other.is_file() and is_lower):
                wrong.append(f"{name_of(path)} imports {other}")
    assert wrong == []


def test_no_import_line_is_in_a_comment() -> None:
    """Django's manifest storage follows it, and collectstatic fails."""

    def imports(text: str) -> Iterator[str]:
        comments = re.findall(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", text, flags=re.DOTALL)
        yield from (comment for comment in comments if re.search(r"\bimport\b[^\n]*[\"']", comment))

    assert findings(SCRIPTS, imports) == {}


def test_state_and_protocol_touch_no_browser() -> None:
    """Clock, timers and senders are arguments, so that Node tests them without waiting."""
    names = r"document|window|fetch|WebSocket|setTimeout|setInterval|localStorage|navigator|Date\.now"
    browser = re.compile(rf"(?<![.#\w])({names})\b(?!\s*[:=])")
    pure = [path for path in SCRIPTS if layer_of(path) in {"state", "protocol"}]
    assert len(pure) > 20
    assert findings(pure, lambda text: browser.findall(without_comments(text))) == {}


def test_scripts_never_make_html_from_strings() -> None:
    """innerHTML with a peer's text turns a message into a script (T25)."""
    html = re.compile(
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function)\b(?=\s*[=(])"
    )
    assert findings(SCRIPTS, lambda text: html.findall(without_comments(text))) == {}


def test_scripts_never_select_by_class() -> None:
    selected = re.compile(
        r"""(?:querySelector(?:All)?|closest|matches)\(\s*["'`][^"'`]*\.[a-z]|getElementsByClassName"""
    )
    assert findings(SCRIPTS, lambda text: selected.findall(without_comments(text))) == {}


ENTRY = re.compile(r"""<script type="module" src="{% static 'js/pages/([^']+)'""")


def test_no_script_is_too_long() -> None:
    def limit(path: Path) -> int:
        # The other modules in pages/ are shared by entries: the shell, and what it opens.
        return ENTRY_LINES if path.name in entries else SCRIPT_LINES

    entries = {name for path in TEMPLATES for name in ENTRY.findall(path.read_text(encoding="utf-8"))}
    assert {name_of(path) for path in SCRIPTS if path.name in entries} > {
        "static/js/pages/chats.js",
        "static/js/pages/people.js",
    }
    assert {name_of(path): lines_of(path) for path in SCRIPTS if lines_of(path) > limit(path)} == {}


# --- CSS ---


def test_no_style_sheet_is_too_long() -> None:
    assert {name_of(path): lines_of(path) for path in STYLES if lines_of(path) > STYLE_LINES} == {}


def test_style_sheets_name_logical_sides_only() -> None:
    """Start and end, not left and right: one sheet serves both writing directions (docs/interface.md T3)."""
    sides = r"(?:[\w-]+-(?:left|right)(?:-[\w-]+)?|left|right)\s*:"
    values = r"(?:text-align|float|clear|justify-(?:content|items|self))\s*:\s*(?:left|right)\b"
    physical = re.compile(rf"(?<![\w-])(?:{sides}|{values})")

    def without_css_comments(text: str) -> str:
        return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)

    assert findings(STYLES, lambda text: physical.findall(without_css_comments(text))) == {}


def test_style_sheets_request_nothing_from_another_host() -> None:
    foreign = re.compile(r"url\(\s*[\"']?(?:https?:)?//")
    assert findings(STYLES, foreign.findall) == {}
