"""Test rig: starts PostgreSQL, Redis, Daphne, nginx, Node and Chromium for tests.

Uses programs of the machine, else those in packages of requirements-dev.txt. Knows no rules of the product.
"""
