"""What a browser has to fetch: how much, in how many pieces, and that smaller files do what the written ones do. Bytes, not times."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from accounts.models import User
from conversations.models import Conversation
from dm_project.staticfiles import minify
from dm_project.staticfiles.storage import HashedModulesStorage
from tests.conftest import or_skip
from tests.factories import make_message
from tests.rig import programs
from tests.rig.daphne_server import SharedStatics

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
KILO = 1_000
IMPORTED = re.compile(r"""(?:from|import) ?\(?["'](\.{1,2}/[^"']+)["']""")

ClientOf = Callable[[User | None], Client]
needs_minifier = pytest.mark.skipif(
    minify.minifier() is None, reason="no minifier for this machine (minify-go): files are served as written"
)


def squeezed(path: Path) -> int:
    """Bytes on the wire for a browser that asks for gzip. What would not get smaller is sent as it is."""
    small = path.with_name(f"{path.name}.gz")
    return (small if small.exists() else path).stat().st_size


@pytest.fixture(scope="module")
def folder(statics: SharedStatics) -> Path:
    return statics.collect()


@pytest.fixture
def deployed(folder: Path) -> Iterator[None]:
    """Pages name the collected files, as in a real service."""
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "dm_project.staticfiles.storage.HashedModulesStorage"},
    }
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        yield


@pytest.fixture
def long_chat(alice: User, bob: User, chat: Conversation) -> Conversation:
    for number in range(50):
        make_message(
            chat,
            (alice, bob)[number % 3 == 0],
            f"Number {number}: a line as people write it, of twelve words or so, no two alike {number * 7919}.",
        )
    return chat


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def named(html: str, pattern: str, folder: Path) -> set[Path]:
    """The static files that stand in such a tag of the page."""
    return {folder / name for name in re.findall(pattern.replace("FILE", r"/static/([^\"#]+)"), html)}


LATER = ("avatar-picker", "connected")
"""What the pages around the account fetch when somebody chooses a picture; and, signed in and idle, the modules of the chats."""


def reached(entries: set[Path]) -> set[Path]:
    """These modules and all that they import, at once or later, but not what comes last."""
    found: set[Path] = set()
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path not in found and not path.name.startswith(LATER):
            found.add(path)
            waiting += [
                (path.parent / name).resolve() for name in IMPORTED.findall(path.read_text(encoding="utf-8"))
            ]
    return found


def weight(paths: set[Path]) -> int:
    return sum(map(squeezed, paths))


SHEET = '<link rel="stylesheet" href="FILE"'
ENTRY = '<script type="module" src="FILE"'
AHEAD = '<link rel="modulepreload" href="FILE"'
FONT = '<link rel="preload" href="FILE" as="font"'


# --- Budgets (gzip) ---


@needs_minifier
@pytest.mark.parametrize("kind", ["app", "page", "settings"])
def test_every_kind_of_page_is_dressed_by_one_sheet_of_at_most_14_kilobytes(folder: Path, kind: str) -> None:
    (sheet,) = (folder / "css").glob(f"kind-{kind}.*.css")
    assert squeezed(sheet) <= 14 * KILO
    text = sheet.read_text(encoding="utf-8")
    assert "@import" not in text
    assert text.startswith("@layer reset,tokens,base,"), "the order of the layers comes first"


@needs_minifier
@pytest.mark.usefixtures("deployed")
def test_a_chat_answers_after_33_kilobytes_of_script_and_has_74_in_all(
    alice: User, long_chat: Conversation, client_of: ClientOf, folder: Path
) -> None:
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    at_first = named(html, AHEAD, folder)
    assert at_first > named(html, ENTRY, folder)
    assert weight(at_first) <= 33 * KILO, weight(at_first)
    assert weight(reached(at_first)) <= 74 * KILO, weight(reached(at_first))


@pytest.mark.usefixtures("deployed")
def test_a_chat_of_50_messages_is_a_page_of_at_most_20_kilobytes(
    alice: User, long_chat: Conversation, client_of: ClientOf
) -> None:
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    assert html.count('<li class="message"') >= 50
    assert len(gzip.compress(html.encode(), 6)) <= 20 * KILO


@needs_minifier
@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "path", ["/", "/accounts/signup/", "/accounts/login/", "/i/xxxxxxxxxxxxxxxxxxxxxx/", "/settings/profile/"]
)
def test_a_page_around_the_account_stays_within_its_script_budget(
    alice: User, client_of: ClientOf, folder: Path, path: str
) -> None:
    response = client_of(alice if path.startswith("/settings/") else None).get(path)
    entries = named(response.content.decode(), ENTRY, folder)
    assert len(entries) <= 2
    assert weight(reached(entries)) <= 13.3 * KILO, weight(reached(entries))


def test_all_icons_are_one_picture_of_4_kilobytes(folder: Path) -> None:
    (sprite,) = folder.glob("icons.*.svg")
    assert squeezed(sprite) <= 4 * KILO


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("language", "subsets"), [("en", ["latin"]), ("pt-br", ["latin"]), ("ru", ["cyrillic", "latin"])]
)
def test_only_the_letters_of_the_language_are_fetched_ahead(
    client: Client, db: None, folder: Path, language: str, subsets: list[str]
) -> None:
    """Russian pages have digits and blanks, too, and those stand among the Latin letters."""
    client.cookies.load({"django_language": language})
    fonts = named(page_of(client, "/accounts/login/"), FONT, folder)
    assert sorted(re.findall(r"onest-([\w-]+)-wght", " ".join(map(str, fonts)))) == subsets
    assert weight(fonts) <= 52 * KILO


# --- In how many pieces ---


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/chats/", "/people/", "/invites/", "/settings/profile/"]
)
def test_nothing_but_one_sheet_stands_between_a_page_and_its_first_paint(
    alice: User, client_of: ClientOf, folder: Path, path: str
) -> None:
    """With the page, the letters and the icons that makes four requests; modules wait until the page is there."""
    html = page_of(client_of(None if path in {"/", "/accounts/login/"} else alice), path)
    assert len(re.findall(r'rel="stylesheet"', html)) == 1
    assert re.findall(r'<script(?![^>]*type="(?:module|application/json)")', html) == []
    assert len({name.split("#")[0] for name in re.findall(r'<use href="([^"]+)"', html)}) <= 1


def test_every_collected_file_is_named_after_its_content_and_compressed_both_ways(folder: Path) -> None:
    names = json.loads((folder / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    for name in names.values():
        assert re.search(r"\.[0-9a-f]{12}(\.\w+)?$", name), name
        path = folder / name
        if path.suffix in {".js", ".css", ".svg"} and path.stat().st_size > KILO:
            assert path.with_name(f"{path.name}.gz").exists(), name
            assert path.with_name(f"{path.name}.br").exists(), name


def test_every_import_of_a_collected_module_leads_to_a_collected_module(folder: Path) -> None:
    for path in folder.rglob("*.js"):
        for target in IMPORTED.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / target).resolve().is_file(), f"{path.name} imports {target}"
            assert re.search(r"\.[0-9a-f]{12}\.js$", target), (
                f"{path.name} imports {target} by its plain name"
            )


# --- Smaller, and the same ---


@needs_minifier
def test_small_modules_pass_every_test_that_the_written_ones_pass(tmp_path: Path) -> None:
    try:
        node = programs.node()
    except programs.MissingProgram as reason:
        or_skip(reason)
    shutil.copytree(ROOT / "tests" / "js", tmp_path / "tests" / "js")
    for same in ("tests/protocol", "tests/golden", "docs", "package.json"):
        (tmp_path / same).symlink_to(ROOT / same)
    # It reads the modules as text.
    (tmp_path / "tests" / "js" / "source-rules.test.js").unlink()
    minify_text = minify.minifier()
    for path in (STATIC / "js").rglob("*.js"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(
            minify.minify_file(path.name, path.read_text(encoding="utf-8"), minify_text), encoding="utf-8"
        )
    done = subprocess.run([node, "--test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "# pass 0" not in done.stdout


@needs_minifier
def test_a_broken_script_stops_the_collecting_by_its_name() -> None:
    with pytest.raises(minify.MinifyError, match=r"outbox\.js"):
        minify.minify_file("outbox.js", "export class { oops", minify.minifier())


def test_without_a_minifier_files_are_served_as_they_were_written() -> None:
    assert minify.minify_file("outbox.js", "const  a = 1;  // one\n", None) == "const  a = 1;  // one\n"


def test_a_sheet_takes_in_what_it_imports_in_its_order() -> None:
    parts = {"one.css": "a{}\n", "two.css": "b{}\n"}
    assert (
        minify.inline_imports('/* all */\n@import "one.css";\n@import "two.css";\nc{}\n', parts.__getitem__)
        == "/* all */\na{}\nb{}\nc{}\n"
    )


@needs_minifier
def test_the_last_import_of_a_module_keeps_its_semicolon() -> None:
    """Django's hashing finds imports by it; one that it missed would lead to a file that is not there."""
    assert minify.minify_file("all.js", 'export { a } from "./a.js";\n', minify.minifier()).endswith(
        '"./a.js";'
    )


def test_the_address_of_a_file_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page names its file of icons a hundred times."""
    asked: list[str] = []

    def stored_name(self: Any, name: str) -> str:
        asked.append(name)
        return f"hashed-{name}"

    monkeypatch.setattr(HashedModulesStorage, "stored_name", stored_name)
    storage = HashedModulesStorage()
    assert {storage.url("icons.svg") for _ in range(3)} == {"/static/hashed-icons.svg"}
    assert asked == ["icons.svg"]
