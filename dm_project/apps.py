"""Registers the checks of the frame."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "dm_project"

    def ready(self) -> None:
        from dm_project import checks  # noqa: F401  (registers them)
