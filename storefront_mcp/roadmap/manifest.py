"""A phase's promise, as `phase.toml` states it."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Auth = Literal["none", "optional", "required"]
"""Whether a tool needs the buyer to be signed in."""

Status = Literal["planned", "active", "paused", "retired"]


class Promise(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool that agents may plan with before a line of it exists."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    summary: Annotated[str, Meta(min_length=1, max_length=120)]
    auth: Auth = "none"
    scope: Annotated[str, Meta(pattern="^(read|write|delete|manage):[a-z_]+$")] | None = None
    """What a caller must be allowed; the catalogue is in `calls.scopes`. None leaves the tool to everybody."""
    backed_by: str
    """The backend call behind it, for people."""


class Mention(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A resource or a prompt that belongs to a phase."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    summary: Annotated[str, Meta(min_length=1, max_length=120)]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One phase: who gets what, and what has to be open before it."""

    number: Annotated[int, Meta(ge=1)]
    title: str
    delivers: str
    """One sentence for people: what works once the phase is open."""
    requires: tuple[str, ...] = ()
    status: Status = "planned"
    """Where a store starts. A flip is state and lives in the database."""
    tools: Annotated[tuple[Promise, ...], Meta(min_length=1)]
    resources: tuple[Mention, ...] = ()
    prompts: tuple[Mention, ...] = ()


class ManifestBroken(Exception):
    """A `phase.toml` cannot be read; the message names the file, the key and what is wanted."""


def read_manifest(path: Path) -> Manifest:
    """Read one `phase.toml`. Raises ManifestBroken."""
    try:
        manifest = msgspec.toml.decode(path.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, OSError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise ManifestBroken(message) from None
    promised: tuple[Promise | Mention, ...] = (*manifest.tools, *manifest.resources, *manifest.prompts)
    names = [promise.name for promise in promised]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"{path}: promised twice: {', '.join(twice)}"
        raise ManifestBroken(message)
    contradicting = [tool.name for tool in manifest.tools if tool.scope is not None and tool.auth != "required"]
    if contradicting:
        message = f'{path}: a scope goes with auth = "required": {", ".join(contradicting)}'
        raise ManifestBroken(message)
    return manifest
