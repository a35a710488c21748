"""Journeys: browser tests of whole user flows, in Chromium against a real Daphne process.

Few, because they are slow.
"""
