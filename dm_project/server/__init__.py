"""The server process: Daphne with bounds, and its start and end. `python -m dm_project.server`."""
