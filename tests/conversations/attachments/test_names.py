"""File names: what is stored of a hostile one, and that none breaks a header (docs/threats.md T42)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.attachments.names import NAME_BYTES, clean_alt, clean_name, content_disposition
from conversations.exceptions import InvalidText


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("notes.txt", "notes.txt"),
        ("Отчёт за май.pdf", "Отчёт за май.pdf"),
        ("写真.jpeg", "写真.jpeg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("C:\\fakepath\\cat.png", "cat.png"),
        ("/etc/shadow", "shadow"),
        ("a/b/", "b"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("///", "file"),
        ("   ", "file"),
        (".bashrc", ".bashrc"),
        ("two  spaces .txt. . ", "two spaces .txt"),
        (" . notes.txt", ". notes.txt"),
        ("holiday.jpg" + " " * 200 + ".exe", "holiday.jpg .exe"),
        ("holiday.jpg" + "\u3000\t" * 100 + ".exe", "holiday.jpg .exe"),
        ("holiday.jpg" + "\u2800\u3164" * 100 + ".exe", "holiday.jpg .exe"),
        ("holiday.jpg" + " \u200b\u202e" * 100 + ".exe", "holiday.jpg .exe"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("tab\there.txt", "tab here.txt"),
        ("nul\0byte.txt", "nulbyte.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066isolated\u2069.txt", "isolated.txt"),
        ("line\u2028end.txt", "lineend.txt"),
        ("\ufeffmark.txt", "mark.txt"),
        ("👩\u200d👧.png", "👩\u200d👧.png"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("lpt³.txt", "_lpt³.txt"),
        ("CONIN$", "_CONIN$"),
        ("nul .txt", "_nul .txt"),
        ("console.txt", "console.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("\u200d\u3164\u2800", "file"),
        ("x" + "\u0301\u0323" * 60 + ".txt", "x.txt"),
        ("Z" + "\u0489" * 4_000, "Z"),
    ],
)
def test_only_what_a_reader_sees_of_the_last_part_is_stored(sent: str, stored: str) -> None:
    assert clean_name(sent) == stored


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    name = clean_name("ж" * 300 + ".docx")
    assert name == "ж" * 125 + ".docx"
    assert len(name.encode()) <= NAME_BYTES
    assert clean_name("x" * 300) == "x" * 255
    # An ending that is none.
    assert clean_name("x." + "y" * 300) == ("x." + "y" * 300)[:255]


@pytest.mark.parametrize("sent", ["x" * 4_097, "lone\ud800surrogate"])
def test_what_no_browser_sends_is_refused(sent: str) -> None:
    with pytest.raises(InvalidText):
        clean_name(sent)


@given(st.text(max_size=600))
def test_whatever_is_sent_the_name_is_short_and_is_no_path(sent: str) -> None:
    try:
        name = clean_name(sent)
    except InvalidText:
        return
    assert 1 <= len(name.encode()) <= NAME_BYTES
    assert not set(name) & set("/\\\r\n\0\u202e")
    assert name.strip(" ") == name
    assert name not in {".", ".."}
    assert clean_name(name) == name


@given(st.text(max_size=100))
def test_a_header_is_one_line_of_ascii_whatever_the_name_is(name: str) -> None:
    value = content_disposition("attachment", name.encode(errors="replace").decode())
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("A green door", "A green door"),
        ("  two\nlines\t", "two lines"),
        ("hidden\u202e\0mark", "hiddenmark"),
        ("", ""),
        ("🌿" * 200, "🌿" * 200),
        ("\u200d \u3164", ""),
        ("cat" + "\u0301\u0323" * 60, "cat"),
    ],
)
def test_a_description_is_one_line_that_shows(sent: str, stored: str) -> None:
    assert clean_alt(sent) == stored


@pytest.mark.parametrize("sent", ["x" * 201, "\ud800"])
def test_a_description_that_cannot_be_stored_is_refused(sent: str) -> None:
    with pytest.raises(InvalidText):
        clean_alt(sent)


def test_a_name_that_every_client_can_read_stands_alone() -> None:
    assert content_disposition("attachment", "notes.txt") == 'attachment; filename="notes.txt"'
    assert content_disposition("inline", 'a"b\\c%.txt') == (
        "inline; filename=\"a_b_c_.txt\"; filename*=UTF-8''a%22b%5Cc%25.txt"
    )
    assert content_disposition("attachment", "été.txt") == (
        "attachment; filename=\"_t_.txt\"; filename*=UTF-8''%C3%A9t%C3%A9.txt"
    )
