"""Doors for people: pages and forms."""
