"""Avatars: initials, uploaded pictures, and the process that decodes them."""
