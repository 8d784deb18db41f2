"""Who calls."""

from typing import Final, Literal

from msgspec import Struct


class Caller(Struct, frozen=True, kw_only=True):
    """On whose behalf a call is made. Guests shop without any credential, always."""

    kind: Literal["guest"]


GUEST: Final = Caller(kind="guest")
