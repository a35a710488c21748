"""Project wiring and the server process; no domain logic."""
