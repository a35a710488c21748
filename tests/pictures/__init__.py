"""Tests of uploaded pictures: the worker process, its sandbox, and what is left of a file."""
