"""The settings of the service, with the hooks: DJANGO_SETTINGS_MODULE=tools.faults.settings."""

from dm_project.settings import *  # noqa: F403
from dm_project.settings import CHANNEL_LAYERS, INSTALLED_APPS, REDIS_URL, STORAGES

INSTALLED_APPS += ["tools.faults.hooks.FaultsConfig"]
CHANNEL_LAYERS["default"]["BACKEND"] = (
    f"tools.faults.hooks.{'ChaoticRedisLayer' if REDIS_URL else 'ChaoticLocalLayer'}"
)
# The suite requests pages for their forms only, and no static files were collected.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
