"""Services: each durable change of an account has one function here.

Forms have validated the input; what must hold for every caller (views, commands, admin) is checked again.
"""

from accounts.services.accounts import account_create, account_deactivate, account_reactivate
from accounts.services.emails import email_replace
from accounts.services.handles import TooManyHandles, UsernameTaken
from accounts.services.passwords import AccountInactive, password_link
from accounts.services.profiles import (
    appearance_update,
    last_seen_update,
    picture_remove,
    picture_set,
    privacy_update,
    profile_update,
)

__all__ = [
    "AccountInactive",
    "TooManyHandles",
    "UsernameTaken",
    "account_create",
    "account_deactivate",
    "account_reactivate",
    "appearance_update",
    "email_replace",
    "last_seen_update",
    "password_link",
    "picture_remove",
    "picture_set",
    "privacy_update",
    "profile_update",
]
