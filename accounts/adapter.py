"""allauth's policy in one class."""

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Who may sign up, how a username is cleaned, what mails say."""
