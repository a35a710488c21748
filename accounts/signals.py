"""Signals of the accounts app. conversations subscribes to them, because accounts must not import it."""

from django.dispatch import Signal

privacy_changed = Signal()
"""A user has changed privacy settings. Arguments: `user_id`. Sent after the row was written."""

account_status_changed = Signal()
"""An account was suspended or restored. Arguments: `user`. Sent after the row was written."""

session_revoked = Signal()
"""A session was revoked from another device. Arguments: `session_key`. Sent inside the transaction."""

profile_changing = Signal()
"""The public profile is about to change: name, username, picture or suspension. Arguments: `user_id`.

Sent inside the transaction, before the user's row is locked, so that receivers lock their rows first."""
