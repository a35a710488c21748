"""Monitors: what a process polls on behalf of all its sockets, once a second each."""
