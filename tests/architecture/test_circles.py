"""No module needs itself: import-linter judges what runs, this also what only the types need."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ("accounts", "conversations", "dm_project")


def test_no_modules_import_each_other_not_even_for_types() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))
