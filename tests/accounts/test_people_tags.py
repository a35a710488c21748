"""Template filters for users and devices."""

from django.template import Context, Template

from accounts.models import User


def test_initials_and_colour_of_a_person() -> None:
    person = User(name="Marta Oliveira", username="marta", public_id="foobar")
    shown = Template("{% load people %}{{ person|initials }} {{ person|colour }}").render(
        Context({"person": person})
    )
    assert shown == f"MO {0xBF9CF968 % 8 + 1}"


def test_without_a_name_the_username_is_shown() -> None:
    assert (
        Template("{% load people %}{{ person|initials }}").render(
            Context({"person": User(name="", username="bob")})
        )
        == "B"
    )
