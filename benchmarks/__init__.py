"""Measures what a delivered message costs, against the plain ways to build the same. `make bench`; see
README.md.

Never part of the tests: a slow machine is no fault of the code.
"""
