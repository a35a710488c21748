"""Static files with hashed names, ES modules included, as small as they can be."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from dm_project.staticfiles.minify import KINDS, join, minifier, slim


class Slimmed:
    """A place of files that hands them out as they are served. Only `open`, which is all that the hashing asks of it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.shrink = minifier()

    def open(self, path: str) -> Any:
        if PurePosixPath(path).suffix not in KINDS:
            return self.storage.open(path)
        folder = PurePosixPath(path).parent
        text = join(self.read(path), lambda name: self.read(str(folder / name)))
        return ContentFile(slim(path, text, self.shrink).encode())

    def read(self, path: str) -> str:
        with self.storage.open(path) as file:
            return str(file.read().decode())


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites `import` paths inside modules; without it a deployed change leaves browsers with a mix of old and new modules.

    A cycle between two modules, or a missing one, fails `collectstatic`.
    """

    support_js_module_import_aggregation = True
    # One pass a level of imports, the late ones included; five are not enough for pages that fetch the modules of other pages.
    max_post_process_passes = 12

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.urls: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """As the base's, found once for each name: a page names its file of icons a hundred times."""
        if force:
            return str(super().url(name, force))
        if name not in self.urls:
            self.urls[name] = str(super().url(name))
        return self.urls[name]

    def post_process(self, paths: dict[str, tuple[Storage, str]], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """As the base, of smaller files."""
        self.urls.clear()
        slimmed: dict[Storage, Slimmed] = {}
        smaller = {name: (slimmed.setdefault(storage, Slimmed(storage)), path) for name, (storage, path) in paths.items()}
        yield from super().post_process(smaller, dry_run=dry_run, **options)
