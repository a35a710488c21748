"""Verbs: every durable change people make has exactly one function here, whichever door it came through."""
