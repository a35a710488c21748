"""Selectors: queries that return rows or small frozen dataclasses. They write nothing."""
