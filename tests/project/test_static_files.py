"""Size budgets of static files, number of requests, and that minified files behave like their sources."""

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
from tests.rig import page_budgets, programs
from tests.rig.daphne_server import SharedStatics
from tests.rig.page_budgets import IMPORTED, is_lazy

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
KILO = 1_000

ClientOf = Callable[[User | None], Client]
needs_minifier = pytest.mark.skipif(
    minify.minifier() is None, reason="no minifier for this machine (minify-go): files are served as written"
)


def compressed_bytes(path: Path) -> int:
    """Bytes on the wire for a browser with gzip. A file that would not get smaller is sent uncompressed."""
    small = path.with_name(f"{path.name}.gz")
    return (small if small.exists() else path).stat().st_size


@pytest.fixture(scope="module")
def folder(statics: SharedStatics) -> Path:
    return statics.collect()


@pytest.fixture
def deployed(folder: Path) -> Iterator[None]:
    """Pages link the collected files, as in production."""
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
            f"Number {number}: a line as people write it, of twelve words or so, "
            f"no two alike {number * 7919}.",
        )
    return chat


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def named(html: str, pattern: str, folder: Path) -> set[Path]:
    """The static files in tags of this form."""
    return {folder / name for name in re.findall(pattern.replace("FILE", r"/static/([^\"#]+)"), html)}


def reached(entries: set[Path]) -> set[Path]:
    """These modules and all that they import, statically or dynamically, except the lazy ones."""
    found: set[Path] = set()
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path not in found and not is_lazy(path.name):
            found.add(path)
            waiting += [
                (path.parent / name).resolve() for name in IMPORTED.findall(path.read_text(encoding="utf-8"))
            ]
    return found


def weight(paths: set[Path]) -> int:
    return sum(map(compressed_bytes, paths))


SHEET = '<link rel="stylesheet" href="FILE"'
ENTRY = '<script type="module" src="FILE"'
PRELOAD = '<link rel="modulepreload" href="FILE"'
FONT = '<link rel="preload" href="FILE" as="font"'


# --- Budgets (gzip) ---


@needs_minifier
@pytest.mark.parametrize("kind", ["app", "page", "settings"])
def test_every_kind_of_page_has_one_style_sheet_of_at_most_14_kilobytes(folder: Path, kind: str) -> None:
    (sheet,) = (folder / "css").glob(f"kind-{kind}.*.css")
    assert compressed_bytes(sheet) <= page_budgets.STYLES * KILO
    text = sheet.read_text(encoding="utf-8")
    assert "@import" not in text
    assert text.startswith("@layer reset,tokens,base,"), "the order of the layers comes first"


@needs_minifier
@pytest.mark.usefixtures("deployed")
def test_a_chat_is_interactive_after_33_kilobytes_of_script_and_has_102_in_all(
    alice: User, long_chat: Conversation, client_of: ClientOf, folder: Path
) -> None:
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    at_first = named(html, PRELOAD, folder)
    assert at_first > named(html, ENTRY, folder)
    assert weight(at_first) <= page_budgets.SCRIPT_AT_FIRST * KILO, weight(at_first)
    # Of these, the menu of a message, selecting, forwarding and drafts that follow have 12, searching 5,
    # markup and `:name` 11; 1 waits for files to be uploaded, and draws the files of a message.
    assert weight(reached(at_first)) <= page_budgets.SCRIPT_OF_CHAT * KILO, weight(reached(at_first))


@needs_minifier
def test_files_have_a_sheet_of_6_kilobytes_of_their_own(folder: Path) -> None:
    """A chat without files does not wait for it."""
    (sheet,) = (folder / "css").glob("kind-files.*.css")
    assert compressed_bytes(sheet) <= page_budgets.STYLES_OF_FILES * KILO, compressed_bytes(sheet)
    assert "@import" not in sheet.read_text(encoding="utf-8")


@needs_minifier
@pytest.mark.usefixtures("deployed")
def test_the_emoji_panel_is_at_most_25_kilobytes_of_script_more(
    alice: User, long_chat: Conversation, client_of: ClientOf, folder: Path
) -> None:
    """The names of its emoji are data of one language (tests/project/test_emoji_data.py)."""
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    (panel,) = (folder / "js" / "view").glob("emoji-panel.*.js")
    imported = IMPORTED.findall(panel.read_text(encoding="utf-8"))
    more = {panel} | reached({(panel.parent / name).resolve() for name in imported})
    weighed = weight(more - reached(named(html, PRELOAD, folder)))
    assert weighed <= 25 * KILO, weighed


@needs_minifier
@pytest.mark.usefixtures("deployed")
def test_files_are_at_most_42_kilobytes_of_script_more(
    alice: User, long_chat: Conversation, client_of: ClientOf, folder: Path
) -> None:
    """Loaded when idle: a file that waits in the outbox is uploaded without a press."""
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    parts = set((folder / "js").glob("*/attachments*.js"))
    imported = [
        (path.parent / name).resolve() for path in parts for name in IMPORTED.findall(path.read_text())
    ]
    more = parts | reached(set(imported))
    weighed = weight(more - reached(named(html, PRELOAD, folder)))
    assert weighed <= page_budgets.SCRIPT_OF_FILES * KILO, weighed


@pytest.mark.usefixtures("deployed")
def test_a_chat_of_50_messages_is_a_page_of_at_most_20_kilobytes(
    alice: User, long_chat: Conversation, client_of: ClientOf
) -> None:
    html = page_of(client_of(alice), f"/chats/{long_chat.room_name}/")
    assert html.count('<li class="message"') >= 50
    assert len(gzip.compress(html.encode(), 6)) <= page_budgets.HTML * KILO


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
    assert weight(reached(entries)) <= page_budgets.SCRIPT_OF_PAGE * KILO, weight(reached(entries))


def test_all_icons_are_one_image_of_4_kilobytes(folder: Path) -> None:
    (sprite,) = folder.glob("icons.*.svg")
    assert compressed_bytes(sprite) <= page_budgets.SPRITE * KILO


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("language", "subsets"), [("en", ["latin"]), ("pt-br", ["latin"]), ("ru", ["cyrillic", "latin"])]
)
def test_only_the_font_subsets_of_the_language_are_preloaded(
    client: Client, db: None, folder: Path, language: str, subsets: list[str]
) -> None:
    """Russian pages have digits and spaces too, which are in the Latin subset."""
    client.cookies.load({"django_language": language})
    fonts = named(page_of(client, "/accounts/login/"), FONT, folder)
    assert sorted(re.findall(r"onest-([\w-]+)-wght", " ".join(map(str, fonts)))) == subsets
    assert weight(fonts) <= 52 * KILO


# --- Number of requests ---


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/chats/", "/people/", "/invites/", "/settings/profile/"]
)
def test_only_one_style_sheet_blocks_the_first_paint(
    alice: User, client_of: ClientOf, folder: Path, path: str
) -> None:
    """With page, font and icons that is four requests; modules load after the page."""
    html = page_of(client_of(None if path in {"/", "/accounts/login/"} else alice), path)
    assert len(re.findall(r'rel="stylesheet"', html)) == 1
    assert re.findall(r'<script(?![^>]*type="(?:module|application/json)")', html) == []
    assert len({name.split("#")[0] for name in re.findall(r'<use href="([^"]+)"', html)}) <= 1


def test_every_collected_file_has_a_hashed_name_and_both_compressions(folder: Path) -> None:
    names = json.loads((folder / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    for name in names.values():
        assert re.search(r"\.[0-9a-f]{12}(\.\w+)?$", name), name
        path = folder / name
        if path.suffix in {".js", ".css", ".svg"} and path.stat().st_size > KILO:
            assert path.with_name(f"{path.name}.gz").exists(), name
            assert path.with_name(f"{path.name}.br").exists(), name


def test_every_import_of_a_collected_module_resolves(folder: Path) -> None:
    for path in folder.rglob("*.js"):
        for target in IMPORTED.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / target).resolve().is_file(), f"{path.name} imports {target}"
            assert re.search(r"\.[0-9a-f]{12}\.js$", target), (
                f"{path.name} imports {target} by its plain name"
            )


# --- Minified, with the same behaviour ---


@needs_minifier
def test_minified_modules_pass_every_test_of_the_sources(tmp_path: Path) -> None:
    try:
        node = programs.node()
    except programs.MissingProgram as reason:
        or_skip(reason)
    (tmp_path / "static").mkdir()
    shutil.copytree(ROOT / "tests" / "js", tmp_path / "tests" / "js")
    for same in ("tests/protocol", "tests/golden", "docs", "conversations", "package.json", "static/emoji"):
        (tmp_path / same).symlink_to(ROOT / same)
    # This one reads the modules as text.
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
def test_a_broken_script_fails_collecting_with_its_name() -> None:
    with pytest.raises(minify.MinifyError, match=r"outbox\.js"):
        minify.minify_file("outbox.js", "export class { oops", minify.minifier())


def test_without_a_minifier_files_are_served_unchanged() -> None:
    assert minify.minify_file("outbox.js", "const  a = 1;  // one\n", None) == "const  a = 1;  // one\n"


def test_imports_of_a_style_sheet_are_inlined_in_order() -> None:
    parts = {"one.css": "a{}\n", "two.css": "b{}\n"}
    assert (
        minify.inline_imports('/* all */\n@import "one.css";\n@import "two.css";\nc{}\n', parts.__getitem__)
        == "/* all */\na{}\nb{}\nc{}\n"
    )


@needs_minifier
def test_the_last_import_of_a_module_keeps_its_semicolon() -> None:
    """Django's hashing finds imports by it; a missed one would lead to a missing file."""
    assert minify.minify_file("all.js", 'export { a } from "./a.js";\n', minify.minifier()).endswith(
        '"./a.js";'
    )


def test_the_url_of_a_file_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page refers to its icon file a hundred times."""
    asked: list[str] = []

    def stored_name(self: Any, name: str) -> str:
        asked.append(name)
        return f"hashed-{name}"

    monkeypatch.setattr(HashedModulesStorage, "stored_name", stored_name)
    storage = HashedModulesStorage()
    assert {storage.url("icons.svg") for _ in range(3)} == {"/static/hashed-icons.svg"}
    assert asked == ["icons.svg"]
