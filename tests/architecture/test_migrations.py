"""Rules of migrations: they run while processes of the previous version still write (docs/threats.md F27).

Reads migration files only.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = sorted(
    path for app in ("accounts", "conversations") for path in (ROOT / app / "migrations").glob("0*.py")
)


def added_columns(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Name and field of each AddField, however its arguments are written."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "AddField"
        ):
            named = {word.arg: word.value for word in node.keywords}
            given = dict(zip(("model_name", "name", "field"), node.args, strict=False)) | named
            assert isinstance(given["field"], ast.Call)
            yield ast.unparse(given["name"]), given["field"]


def may_be_omitted(field: ast.Call) -> bool:
    """Can a process that does not know the column insert a row?"""
    options = {word.arg: ast.unparse(word.value) for word in field.keywords}
    is_column = not ast.unparse(field.func).endswith("ManyToManyField")
    return not is_column or options.get("null") == "True" or options.get("db_default", "None") != "None"


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_a_column_that_is_added_has_a_default_in_the_database(path: Path) -> None:
    """Django's `default` exists in the new code only: rows that old processes insert would be rejected."""
    assert [
        name for name, field in added_columns(path.read_text(encoding="utf-8")) if not may_be_omitted(field)
    ] == []


def test_the_rule_understands_positional_and_named_arguments() -> None:
    source = (
        'migrations.AddField("user", "a", models.CharField(default=""))\n'
        'migrations.AddField(model_name="user", name="b", field=models.CharField(default=""))\n'
        'migrations.AddField("user", "c", models.CharField(db_default="", default=""))\n'
        'migrations.AddField("user", "d", models.CharField(null=True))\n'
    )
    found = {name: may_be_omitted(field) for name, field in added_columns(source)}
    assert found == {"'a'": False, "'b'": False, "'c'": True, "'d'": True}
