"""The settings of the operator's console."""

from typing import Annotated

from msgspec import Meta, Struct

Enabled = Annotated[bool, Meta(description="true or false")]
ConsolePath = Annotated[
    str,
    Meta(
        pattern=(
            r"^/(?!(?:a2a|account|acp|api|cart|demo|healthz|mcp|media|metrics|oauth|pay|readyz|sandbox|ucp|webhooks)(?:/|$))"
            r"[a-z0-9-]+(?:/[a-z0-9-]+)*$"
        ),
        description='a path of its own without a closing slash, such as "/operator"',
    ),
]
ConsoleHost = Annotated[
    str,
    Meta(
        pattern=r"^[^/@\s:\[\]]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$",
        description="a host, with a port where it has one",
    ),
]
SessionSeconds = Annotated[
    int, Meta(ge=60, le=604_800, description="a whole number of seconds, from 60 to 604800 (a week)")
]


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.console]`: where operators sign in."""

    on: Enabled = True
    """Even so, there is no login until an API key with a console scope or a login link exists."""
    path: ConsolePath = "/operator"
    host: ConsoleHost | None = None
    """The only host that serves it; None for every host of the store."""
    lasts: SessionSeconds = 28_800
    """Lifetime of a console session, in seconds."""
