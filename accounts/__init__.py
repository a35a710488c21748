"""Accounts: users, profiles, login, sessions, settings."""
