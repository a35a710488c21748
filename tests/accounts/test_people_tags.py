"""What templates ask about a person."""

from django.template import Context, Template

from accounts.models import User


def test_initials_and_colour_of_a_person() -> None:
    person = User(name="Marta Oliveira", username="marta", public_id="foobar")
    shown = Template("{% load people %}{{ person|initials }} {{ person|colour }}").render(
        Context({"person": person})
    )
    assert shown == f"MO {0xBF9CF968 % 8 + 1}"


def test_who_has_no_name_is_shown_by_handle() -> None:
    assert (
        Template("{% load people %}{{ person|initials }}").render(
            Context({"person": User(name="", username="bob")})
        )
        == "B"
    )
