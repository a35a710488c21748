"""Doors of the accounts app: sign-up (allauth's, with one more refusal), settings, language and theme.

Log-in, passwords and e-mail addresses are allauth's own views.
"""
