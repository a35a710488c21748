"""`python -m dm_project.server`."""

from dm_project.server.command import main

main()
