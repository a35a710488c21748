"""Views of the accounts app: sign-up (extends allauth's), settings, devices, pictures, language and theme.

Login, passwords and email addresses use allauth's own views.
"""
