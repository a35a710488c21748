"""Names the one app of the peer."""

from django.apps import AppConfig


class TutorialConfig(AppConfig):
    name = "benchmarks.peers.tutorial"
    label = "tutorial"
