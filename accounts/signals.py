"""What accounts tell whoever wants to know, because accounts may not know them."""

from django.dispatch import Signal

privacy_changed = Signal()
"""Somebody has changed what others may see of them at the moment. Arguments: `user_id`. Sent after the row was written."""

account_status_changed = Signal()
"""An account was suspended or let back in. Arguments: `user`. Sent after the row was written."""

session_revoked = Signal()
"""A session was ended from another device. Arguments: `session_key`. Sent inside the transaction that ends it."""

profile_changing = Signal()
"""What others see of a person is about to change: name, username, picture, or whether the account is open. Arguments: `user_id`. Sent inside
the transaction of the change, before the person's row is locked: who has rows to lock for it takes them first."""
