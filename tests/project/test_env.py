"""Typed readers of the environment: an invalid value ends the start with one sentence that names it."""

import os
from pathlib import Path

import pytest

from dm_project import env
from tests.rig.environment import startup_error

AMBIENT = "NAME comes from the environment of this process, not from .env."
KEY = "0123456789-0123456789-0123456789-key"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAME", raising=False)


@pytest.mark.parametrize("value", ["two\nlines", "Entre\r", "a\x0bb", "a\u2028b"])
def test_a_name_is_one_line(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", f"x{value}x")
    assert "NAME has a line break or another character that cannot be shown." in startup_error(
        env.text, "NAME"
    )


def test_bytes_that_are_not_utf8_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", b"K\xf6ln".decode("utf-8", "surrogateescape"))
    assert "NAME is not in UTF-8." in startup_error(env.text, "NAME")
    assert "NAME is not in UTF-8." in startup_error(env.string_list, "NAME")


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "  ")
    assert env.text("NAME", "Entre") == "Entre"
    assert env.boolean("NAME", True) is True
    assert env.integer("NAME", 8000, 1, 65535) == 8000
    assert env.choice("NAME", "open", ("open", "closed")) == "open"
    assert env.string_list("NAME") == []


def test_dollar_and_percent_signs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "pa$$word${HOME}%20")
    assert env.text("NAME") == "pa$$word${HOME}%20"


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("on", True),
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("off", False),
        ("False", False),
        ("no", False),
        ("0", False),
    ],
)
def test_booleans(monkeypatch: pytest.MonkeyPatch, value: str, meaning: bool) -> None:
    monkeypatch.setenv("NAME", value)
    assert env.boolean("NAME", not meaning) is meaning


@pytest.mark.parametrize("value", ["maybe", "2", "onn"])
def test_a_boolean_is_on_or_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)
    assert (
        startup_error(env.boolean, "NAME", True)
        == f"Entre cannot start: NAME is {value!r}; it must be on or off. {AMBIENT}"
    )


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80.5", "http", "８０８０８０"])
def test_a_number_has_its_bounds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)
    assert "it must be a whole number from 1 to 65535." in startup_error(env.integer, "NAME", 8000, 1, 65535)


def test_a_choice_error_lists_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "everybody")
    assert startup_error(env.choice, "NAME", "open", ("open", "invite", "closed")).endswith(
        f"'everybody'; it must be one of open, invite, closed. {AMBIENT}"
    )
    monkeypatch.setenv("NAME", "Invite")
    assert env.choice("NAME", "open", ("open", "invite", "closed")) == "invite"


def test_a_key_must_be_set_and_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "NAME is not set. `make run` writes one into .env" in startup_error(env.key, "NAME")
    monkeypatch.setenv("NAME", "short-secret")
    refused = startup_error(env.key, "NAME")
    assert "NAME has 12 characters; a key needs 32 or more." in refused
    assert "short-secret" not in refused
    monkeypatch.setenv("NAME", KEY)
    assert env.key("NAME") == KEY


def test_a_directory_is_created_and_must_be_writable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAME", str(tmp_path / "a" / "b"))
    assert env.directory("NAME", tmp_path).is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAME", str(tmp_path / "file" / "b"))
    assert "and that directory cannot be created (" in startup_error(env.directory, "NAME", tmp_path)


def test_a_directory_that_is_only_read_may_belong_to_another_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Static files in a container: collected by root, served by another user."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "cannot write there" in startup_error(env.directory, "NAME", tmp_path)
    assert env.directory("NAME", tmp_path, writable=False) == tmp_path


def test_the_makefile_reads_where_static_files_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("STATIC_ROOT=/srv/static\n")
    monkeypatch.setattr(env.read_file, "__defaults__", (tmp_path / ".env",))
    monkeypatch.delenv("STATIC_ROOT")
    env.main(["STATIC_ROOT"])
    assert capsys.readouterr().out == "/srv/static\n"


# --- The source of a value ---


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "names_from_file", set())
    monkeypatch.setattr(env, "overridden_names", set())


@pytest.mark.usefixtures("fresh")
def test_an_error_says_when_the_value_is_not_from_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shells and Conda export a HOST, other tools a DEBUG: operators would search for them in .env in
    vain."""
    path.write_text("PORT_A=no\nPORT_B=9000\n")
    monkeypatch.setenv("PORT_B", "no")
    monkeypatch.delenv("PORT_A", raising=False)
    env.read_file(path)
    # read_file has set it; monkeypatch removes it again.
    monkeypatch.setenv("PORT_A", "no")
    with pytest.raises(env.BadEnvironment, match=r"from 1 to 65535\.$"):
        env.integer("PORT_A", 8000, 1, 65535)
    with pytest.raises(
        env.BadEnvironment, match=r"PORT_B comes from the environment of this process, not from \.env\.$"
    ):
        env.integer("PORT_B", 8000, 1, 65535)
    assert env.overridden_names == {"PORT_B"}


@pytest.mark.usefixtures("fresh")
def test_a_key_hidden_by_an_empty_variable_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(f"SECRET_KEY={KEY}\n")
    monkeypatch.setenv("SECRET_KEY", "")
    env.read_file(path)
    with pytest.raises(
        env.BadEnvironment,
        match=r"SECRET_KEY is set in \.env, but is empty in the environment of this process",
    ):
        env.key("SECRET_KEY")
