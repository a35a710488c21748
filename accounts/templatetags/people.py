"""Template filters for users and devices: initials, colour, picture URL, device name."""

from django import template
from django.utils.translation import gettext as _

from accounts.avatars import initials as avatar_initials
from accounts.avatars.storage import picture_url
from accounts.models import User
from accounts.user_agents import DeviceDescription

register = template.Library()


@register.filter
def initials(person: User) -> str:
    return avatar_initials.initials(person.name or person.username)


@register.filter
def colour(person: User) -> int:
    return avatar_initials.colour(person.public_id)


@register.filter
def picture(person: User) -> str:
    """The URL of the user's picture; empty without one."""
    return picture_url(person.picture)


@register.filter
def in_words(device: DeviceDescription) -> str:
    """Such as "Firefox on Linux"."""
    if device.browser and device.system:
        return _("%(browser)s on %(system)s") % {"browser": device.browser, "system": device.system}
    return device.browser or device.system or _("Unknown device")
