"""Search folding, the same in Python and in the browser."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from accounts.folding import FOLDS, search_key
from accounts.models import Profile, User
from accounts.selectors import people_listed
from accounts.services import account_create

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "folding.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "folded"), GOLDEN)
def test_text_is_folded(text: str, folded: str) -> None:
    assert search_key(text) == folded


def test_the_browser_has_the_same_table() -> None:
    script = (Path(__file__).parents[2] / "static" / "js" / "state" / "fuzzy-search.js").read_text(
        encoding="utf-8"
    )
    table = script[script.index("const FOLDS") : script.index("const FOLDED")]
    assert [chr(letter) for letter in FOLDS if chr(letter) not in table] == []


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Lech Wałęsa", "walesa"),
        ("Yıldız", "yildiz"),
        ("Yıldız", "YILDIZ"),
        ("Guðrún", "gudrun"),
        ("Œuvre", "oeuvre"),
        ("Ærø", "Ærø"),
    ],
)
def test_users_are_found_by_letters_without_accents(alice: User, name: str, q: str) -> None:
    account_create(username="found", name=name)
    assert [person.username for person in people_listed(viewer=alice, q=q)] == ["found"]


def test_search_keys_stored_by_earlier_versions_are_updated(alice: User) -> None:
    profile = account_create(username="lech", name="Lech Wałęsa").profile
    Profile.objects.filter(pk=profile.pk).update(search_key="lech wałesa lech")
    import_module("accounts.migrations.0005_fold_search_keys").fold_again(apps, connection.schema_editor())
    assert [person.username for person in people_listed(viewer=alice, q="walesa")] == ["lech"]
