"""Load phases from a package: the promised tool `add_to_cart` is `add_to_cart.add_to_cart` in the phase's folder."""

import importlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from storefront_mcp.roadmap.manifest import ManifestError, PromisedContent, PromisedTool, read_manifest
from storefront_mcp.roadmap.roadmap import Phase
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource
from storefront_mcp.tools.tool import Tool

T = TypeVar("T", Tool, Resource, Prompt)


class PhaseLoadError(Exception):
    """A module of a phase does not define what its manifest promises; the message names it."""


def load_phases(package: ModuleType) -> tuple[Phase, ...]:
    """Every folder of a package with a `phase.toml`, by number. Raises ManifestError and PhaseLoadError."""
    folders = sorted(path.parent for root in package.__path__ for path in Path(root).glob("*/phase.toml"))
    phases = sorted((_load(package, folder) for folder in folders), key=lambda phase: phase.manifest.number)
    numbers = {phase.name: phase.manifest.number for phase in phases}
    owners: dict[tuple[str, str], str] = {}
    for phase in phases:
        for needed in phase.manifest.requires:
            if needed not in numbers:
                message = f"{phase.name}: requires {needed}, which does not exist"
                raise ManifestError(message)
            if numbers[needed] >= phase.manifest.number:
                message = f"{phase.name}: requires {needed}, which must have a smaller number"
                raise ManifestError(message)
        for kind in ("tools", "resources", "prompts"):
            for promise in getattr(phase.manifest, kind):
                owner = owners.setdefault((kind, promise.name), phase.name)
                if owner != phase.name:
                    message = f"{promise.name} is promised by {owner} and by {phase.name}"
                    raise ManifestError(message)
    return tuple(phases)


def _load(package: ModuleType, folder: Path) -> Phase:
    manifest = read_manifest(folder / "phase.toml")
    home = f"{package.__name__}.{folder.name}"
    return Phase(
        name=folder.name,
        manifest=manifest,
        tools=_load_delivered(home, manifest.tools, Tool),
        resources=_load_delivered(home, manifest.resources, Resource),
        prompts=_load_delivered(home, manifest.prompts, Prompt),
        status=manifest.status,
    )


def _load_delivered(home: str, promises: Iterable[PromisedTool | PromisedContent], kind: type[T]) -> dict[str, T]:
    """The delivered ones of the promised, in order."""
    delivered: dict[str, T] = {}
    for promise in promises:
        module = f"{home}.{promise.name}"
        if importlib.util.find_spec(module) is None:
            continue
        found = getattr(importlib.import_module(module), promise.name, None)
        if not isinstance(found, kind):
            message = f"{module} must define the {kind.__name__.lower()} {promise.name}"
            raise PhaseLoadError(message)
        delivered[promise.name] = found
    return delivered
