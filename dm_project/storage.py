"""Static files with hashed names, ES modules included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites `import` paths inside modules; without it a deployed change leaves browsers with a mix of old and new modules.

    A cycle between two modules, or a missing one, fails `collectstatic`.
    """

    support_js_module_import_aggregation = True
