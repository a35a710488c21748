"""The real parts that tests stand on: PostgreSQL, Redis, Daphne, Node, Chromium.

Taken from the machine, or from packages of requirements-dev.txt where the machine has none. Nothing here knows a rule of the product.
"""
