"""Usernames: characters, reserved words, look-alikes."""

import pytest

from accounts.usernames import is_reserved, looks_like, normalize_username, skeleton


@pytest.mark.parametrize(
    "typed",
    [
        "admin",
        "Admin",
        "ADMIN",
        "adm1n",
        "4dm1n",
        "a.d.m.i.n",
        "admin_",
        "admin2",
        "admin-7",
        "r00t",
        "supp0rt",
        "no-reply",
        "adrnin",
        "vvebmaster",
        "he1p",
        "mai1",
        "ap1",
        "nu11",
        "www.prize.example",
        "www2.example",
        "entre",
        "Entre7",
    ],
)
def test_a_username_may_not_look_like_a_role(typed: str) -> None:
    assert is_reserved(normalize_username(typed), "Entre")


@pytest.mark.parametrize(
    "typed",
    [
        "ali",
        "alice",
        "bob",
        "adam",
        "admina",
        "rooty",
        "maria7",
        "lisa_5",
        "007",
        "molly",
        "mali",
        "mall",
        "apl",
        "nuii",
        "wwwilly",
        "lisa.www",
    ],
)
def test_ordinary_usernames_are_allowed(typed: str) -> None:
    assert not is_reserved(typed, "Entre")


def test_a_site_name_without_ascii_letters_reserves_nothing() -> None:
    assert not is_reserved("maria", "", "Клуб")


def test_a_leading_at_sign_and_capitals_are_accepted() -> None:
    assert normalize_username(" @Alice ") == "alice"


def test_letters_of_other_scripts_never_become_latin_ones() -> None:
    assert normalize_username("\u212aate") == "\u212aate"  # KELVIN SIGN, whose small letter is an ordinary k


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lisa.miller", "1isa.mi11er"),
        ("lisa.miller", "lisa_miller"),
        ("lisa.miller", "lisamiller"),
        ("lisa.miniller", "1isa.m1n1ller"),  # each 1 imitates another letter
        ("miller", "rniller"),
        ("will", "vvill"),
        ("bob", "b0b"),
        ("bob", "8ob"),
        ("anna5", "annas"),
        ("1l1", "ili"),
    ],
)
def test_usernames_that_look_alike(one: str, other: str) -> None:
    assert looks_like(one, other)
    assert looks_like(other, one)
    assert skeleton(one) == skeleton(other), "otherwise the look-alike would not be found"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mali", "mall"),
        ("mali", "mail"),
        ("lisa", "iisa"),
        ("anna1", "anna7"),
        ("ana", "anna"),
        ("tom", "tim"),
        ("-", "_"),
    ],
)
def test_usernames_that_differ_visibly(one: str, other: str) -> None:
    assert not looks_like(one, other)
    assert not looks_like(other, one)
