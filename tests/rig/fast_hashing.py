"""Settings with a fast password hasher: DJANGO_SETTINGS_MODULE=tests.rig.fast_hashing.

For journeys, which sign up hundreds of users: Argon2 took a tenth of their time.
"""

from dm_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
