"""`.env` in every form that python-dotenv reads; no key is ever written twice."""

import os
from pathlib import Path

import pytest

from dm_project import env, env_file

KEY = "k" * 50


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in env.KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def refusal(path: Path) -> str:
    """The one sentence with which both reading and writing fail."""
    sentences = set()
    for function in (env_file.values_in, env_file.write_missing_keys):
        before = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
        with pytest.raises(env.BadEnvironment) as refused:
            function(path)
        sentences.add(str(refused.value))
        if before:
            assert path.read_bytes() == before
    (sentence,) = sentences
    assert sentence.startswith(f"Entre cannot start: {path}") or sentence.startswith(
        "Entre cannot start: line "
    )
    assert "\n" not in sentence
    assert KEY not in sentence
    return sentence


# --- Keys ---


def test_keys_are_written_once_different_and_private(path: Path) -> None:
    assert env.write_missing_keys(path) == list(env.KEYS)
    first = path.read_text()
    values = env_file.values_in(path)
    assert set(values) == set(env.KEYS)
    assert len(set(values.values())) == 3
    assert min(map(len, values.values())) >= env.MIN_KEY_CHARS
    assert path.stat().st_mode & 0o777 == 0o600
    assert env.write_missing_keys(path) == []
    assert path.read_text() == first


def test_existing_lines_stay(path: Path) -> None:
    path.write_text("PORT=9000\nSECRET_KEY=mine\nINVITE_KEY=")
    assert env.write_missing_keys(path) == ["ROOM_NAME_KEY", "INVITE_KEY"]
    assert path.read_text().startswith("PORT=9000\nSECRET_KEY=mine\nINVITE_KEY=\nROOM_NAME_KEY=")


FORMS = {
    "plain": f"SECRET_KEY={KEY}\n",
    "export": f"export SECRET_KEY={KEY}\n",
    "export with more spaces": f"  export   SECRET_KEY={KEY}\n",
    "spaces around the sign": f"SECRET_KEY = {KEY}\n",
    "a tab": f"SECRET_KEY\t=\t{KEY}\n",
    "double quotes": f'SECRET_KEY="{KEY}"\n',
    "single quotes": f"SECRET_KEY='{KEY}'\n",
    "a quoted name": f"'SECRET_KEY'={KEY}\n",
    "a trailing comment": f"SECRET_KEY={KEY} # ours\n",
    "no end of line": f"SECRET_KEY={KEY}",
    "Windows line ends": f"PORT=9000\r\nSECRET_KEY={KEY}\r\n",
    "old Mac line ends": f"PORT=9000\rSECRET_KEY={KEY}\r",
    "a byte order mark": f"\ufeffSECRET_KEY={KEY}\n",
    "a byte order mark and export": f"\ufeffexport SECRET_KEY={KEY}\r\n",
    "an older one above": f"SECRET_KEY=old\nSECRET_KEY={KEY}\n",
    "from another name": f"MINE={KEY}\nSECRET_KEY=${{MINE}}\n",
    "from a default": f"SECRET_KEY=${{NEVER_SET:-{KEY}}}\n",
    "after a multi-line value": f'NOTE="one\ntwo"\nSECRET_KEY={KEY}\n',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_key_in_any_form_is_read_and_never_written_again(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    assert env.write_missing_keys(path) == ["ROOM_NAME_KEY", "INVITE_KEY"]
    assert path.read_bytes().startswith(text.encode())
    assert env_file.values_in(path)["SECRET_KEY"] == KEY
    assert env.write_missing_keys(path) == []


def test_a_key_from_an_unset_variable_is_not_replaced(path: Path) -> None:
    """SECRET_KEY=${FROM_THE_VAULT} before the vault is read: a new key below would win from then on."""
    path.write_text("SECRET_KEY=${FROM_AN_UNSET_VAULT}\n")
    assert env.write_missing_keys(path) == ["ROOM_NAME_KEY", "INVITE_KEY"]


@pytest.mark.parametrize(
    "text",
    [
        "#SECRET_KEY=old\n",
        "SECRET_KEY=\n",
        "SECRET_KEY=''\n",
        "SECRET_KEY= # later\n",
        "SECRET_KEY\n",
        "XSECRET_KEY=x\n",
    ],
)
def test_an_empty_value_is_a_missing_key(path: Path, text: str) -> None:
    path.write_text(text)
    assert env.write_missing_keys(path) == list(env.KEYS)
    assert len(env_file.values_in(path)["SECRET_KEY"]) >= env.MIN_KEY_CHARS


# --- Unreadable files ---


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_utf16_is_an_error(path: Path, encoding: str) -> None:
    path.write_bytes(f"SECRET_KEY={KEY}\n".encode(encoding))
    assert "is not in UTF-8" in refusal(path)


def test_a_file_in_latin1_is_an_error_with_its_line(path: Path) -> None:
    path.write_bytes(f"SECRET_KEY={KEY}\nSITE_NAME=Köln\n".encode("latin-1"))
    assert "is not in UTF-8 (line 2). Save it as UTF-8." in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        'SECRET_KEY="{}\n',
        "SECRET_KEY='{}\n",
        "SECRET_KEY {}\n",
        "SECRET_KEY: {}\n",
        "SECRET_KEY='{}' x\n",
        "={}\n",
    ],
)
def test_a_line_that_cannot_be_parsed_is_an_error(path: Path, text: str) -> None:
    """It may be a key: a new one below it would log out all users."""
    path.write_text("PORT=9000\n\n" + text.format(KEY))
    assert f"line 3 of {path} cannot be read." in refusal(path)


def test_a_directory_in_its_place_is_an_error(path: Path) -> None:
    """Docker creates one in place of a mounted file that does not exist."""
    path.mkdir()
    assert "cannot be read (Is a directory)" in refusal(path)


def test_a_file_of_another_user_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(f"SECRET_KEY={KEY}\n")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        env.BadEnvironment,
        match=r"cannot be read .Permission denied.. It must be a file that belongs to the user",
    ):
        env_file.values_in(path)


def test_a_file_that_cannot_be_written_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(f"SECRET_KEY={KEY}\n")

    def refuse(*words: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(
        env.BadEnvironment,
        match=r"cannot be written .Permission denied., and these are not set: ROOM_NAME_KEY, INVITE_KEY.",
    ):
        env.write_missing_keys(path)
