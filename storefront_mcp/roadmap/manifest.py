"""Phase manifests: the schema of `phase.toml` and its reader."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Auth = Literal["none", "optional", "required"]
"""Whether a tool needs the buyer to be signed in."""

Status = Literal["planned", "active", "paused", "retired"]


class ToolWords(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Texts about a tool in documents, instructions and the console; an empty one is left out.

    In `query`, `{name}` and `{currency}` are replaced by the store's.
    """

    ability: str = ""
    """Completes "tools to …": `search the catalogue`."""
    area: str = ""
    """The ability in one word."""
    skill: str = ""
    """Completes "Use this skill to …"."""
    query: str = ""
    """An example question of a user, which registries index."""
    stage: str = ""
    """The stage of the sales funnel that a call of it reaches."""
    instruction: str = ""
    """A sentence of the server instructions, while the tool is open."""
    advice: tuple[str, ...] = ()
    """Advice for agents while it is open, a sentence each."""


class PromisedTool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool that is announced, delivered or not."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    summary: Annotated[str, Meta(min_length=1, max_length=120)]
    auth: Auth = "none"
    scope: Annotated[str, Meta(pattern="^[a-z_]+(:[a-z_]+)?$")] | None = None
    """A scope of `access.scopes` or `access.buyer_scopes`; None for everybody.

    Where `auth` is optional, callers without it are served as guests.
    """
    backed_by: str
    """The backend call behind it, for readers."""
    outlives_pause: bool = False
    """Whether it can be called while its phase is paused, as buyers wait for what it tells or ends."""
    widget: Annotated[str, Meta(pattern="^[a-z]+$")] | None = None
    """The name of the widget that chat hosts show its results in."""
    words: ToolWords = ToolWords()


class PromisedContent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A resource or prompt that is announced with a phase."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    summary: Annotated[str, Meta(min_length=1, max_length=120)]


class PhaseManifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One phase: what it delivers and requires."""

    number: Annotated[int, Meta(ge=1)]
    title: str
    delivers: str
    """One sentence: what works once the phase is open."""
    requires: tuple[str, ...] = ()
    needs_payment: bool = False
    """Whether it can open only for a store with a payment method configured."""
    needs_sign_in: bool = False
    """Whether it can open only for a store at which customers can sign in."""
    status: Status = "planned"
    """The initial status; flips are recorded in the database."""
    tools: Annotated[tuple[PromisedTool, ...], Meta(min_length=1)]
    resources: tuple[PromisedContent, ...] = ()
    prompts: tuple[PromisedContent, ...] = ()


class ManifestError(Exception):
    """An invalid `phase.toml`; the message names the file, the key and what is expected."""


def read_manifest(path: Path) -> PhaseManifest:
    """Read one `phase.toml`. Raises ManifestError."""
    try:
        manifest = msgspec.toml.decode(path.read_bytes(), type=PhaseManifest)
    except (msgspec.DecodeError, OSError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise ManifestError(message) from None
    promised: tuple[PromisedTool | PromisedContent, ...] = (*manifest.tools, *manifest.resources, *manifest.prompts)
    names = [promise.name for promise in promised]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        message = f"{path}: promised twice: {', '.join(duplicates)}"
        raise ManifestError(message)
    contradicting = [tool.name for tool in manifest.tools if tool.scope is not None and tool.auth == "none"]
    if contradicting:
        message = f'{path}: a scope goes with auth = "required" or "optional": {", ".join(contradicting)}'
        raise ManifestError(message)
    return manifest
