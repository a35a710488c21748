"""The service's settings with passwords that cost next to nothing: DJANGO_SETTINGS_MODULE=tests.rig.fast_hashing.

For journeys, where people sign up by the hundred: Argon2 took a tenth of all their time.
"""

from dm_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
