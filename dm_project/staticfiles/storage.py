"""Static files storage: minified files with hashed names, ES modules included."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from dm_project.staticfiles.minify import MEDIA_TYPES, inline_imports, minifier, minify_file


class MinifyingSource:
    """A storage that returns files minified. Only `open`, the one method that the hashing uses."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.minify_text = minifier()

    def open(self, path: str) -> Any:
        if PurePosixPath(path).suffix not in MEDIA_TYPES:
            return self.storage.open(path)
        folder = PurePosixPath(path).parent
        text = inline_imports(self.read(path), lambda name: self.read(str(folder / name)))
        return ContentFile(minify_file(path, text, self.minify_text).encode())

    def read(self, path: str) -> str:
        with self.storage.open(path) as file:
            return str(file.read().decode())


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites `import` paths inside modules; otherwise browsers would mix old and new modules after a
    deployment.

    An import cycle or a missing module fails `collectstatic`.
    """

    support_js_module_import_aggregation = True
    # One pass for each level of imports, dynamic ones included. The default, five, is not enough for pages
    # that load the modules of other pages.
    max_post_process_passes = 12

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.urls: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """Cached for each name: a page refers to its icon file a hundred times."""
        if force:
            return str(super().url(name, force))
        if name not in self.urls:
            self.urls[name] = str(super().url(name))
        return self.urls[name]

    def post_process(
        self, paths: dict[str, tuple[Storage, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        """As the base, but of minified files."""
        self.urls.clear()
        sources: dict[Storage, MinifyingSource] = {}
        minified = {
            name: (sources.setdefault(storage, MinifyingSource(storage)), path)
            for name, (storage, path) in paths.items()
        }
        yield from super().post_process(minified, dry_run=dry_run, **options)
