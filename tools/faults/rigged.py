"""The service's settings with the hooks of `rigging`: DJANGO_SETTINGS_MODULE=tools.faults.rigged."""

from dm_project.settings import *  # noqa: F403
from dm_project.settings import CHANNEL_LAYERS, INSTALLED_APPS, REDIS_URL, STORAGES

INSTALLED_APPS += ["tools.faults.rigging.FaultsConfig"]
CHANNEL_LAYERS["default"]["BACKEND"] = (
    f"tools.faults.rigging.{'ChaoticRedisLayer' if REDIS_URL else 'ChaoticLocalLayer'}"
)
# Pages are asked for their forms only, and nothing was collected.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
