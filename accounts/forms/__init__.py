"""Forms of the accounts app: sign-up, login, passwords, email addresses, settings.

They validate and word the errors; services store. allauth finds its forms by ACCOUNT_FORMS in the settings.
"""
