"""The settings of the operator's console."""

from typing import Annotated

from msgspec import Meta, Struct

On = Annotated[bool, Meta(description="true or false")]
ConsolePath = Annotated[
    str,
    Meta(
        pattern=(
            r"^/(?!(?:api|demo|healthz|mcp|media|metrics|pay|readyz|sandbox|webhooks)(?:/|$))"
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
Sitting = Annotated[int, Meta(ge=60, le=604_800, description="a whole number of seconds, from 60 to 604800 (a week)")]


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where operators sign in."""

    on: On = True
    """It still answers nobody until there is a key that may sign in, or a link was made."""
    path: ConsolePath = "/operator"
    host: ConsoleHost | None = None
    """The only Host at which it answers; None for every host of the store."""
    lasts: Sitting = 28_800
    """Seconds after which people sign in again."""
