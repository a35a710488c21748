"""What templates may ask about a person."""

from django import template

from accounts import avatars
from accounts.models import User

register = template.Library()


@register.filter
def initials(person: User) -> str:
    return avatars.initials(person.name or person.username)


@register.filter
def colour(person: User) -> int:
    return avatars.colour(person.public_id)
