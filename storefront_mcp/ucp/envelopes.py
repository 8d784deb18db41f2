"""The `ucp` member of answers: release, and those of the capabilities that the answer is about."""

import functools
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from storefront_mcp.agent_protocols.ucp import CHECKOUT, open_capabilities
from storefront_mcp.roadmap.roadmap import Roadmap


def answer_metadata(
    release: str,
    roadmap: Roadmap,
    capabilities: tuple[str, ...],
    known: Mapping[str, tuple[str, ...]] | None,
) -> Raw:
    """Those of `capabilities` that are open and that the platform knows; None stands for a platform that knows all."""
    found = open_capabilities(roadmap)
    names = [name for name in capabilities if name in found and (known is None or release in known.get(name, ()))]
    return _metadata_json(release, tuple(names))


@functools.lru_cache(maxsize=256)
def _metadata_json(release: str, capabilities: tuple[str, ...]) -> Raw:
    named: dict[str, object] = {name: [{"version": release}] for name in capabilities}
    handlers: dict[str, object] = {"payment_handlers": {}} if CHECKOUT in capabilities else {}
    return Raw(msgspec.json.encode({"version": release, "status": "success", "capabilities": named, **handlers}))
