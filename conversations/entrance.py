"""The street door for people who come with an invite: sign-up and log-in end in the chat they were invited to.

A door like views and consumers; accounts may not know invites, so its adapter is refined here.
"""

from accounts.adapter import AccountAdapter


class EntranceAdapter(AccountAdapter):
    """accounts' policy, plus what an invite changes."""
