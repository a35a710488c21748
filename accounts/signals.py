"""What accounts tell whoever wants to know, because accounts may not know them."""

from django.dispatch import Signal

standing_changed = Signal()
"""An account was suspended or let back in. Arguments: `user`. Sent after the row was written."""
