"""What the stand-in's calls are made of: what was asked, routes, refusals."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from tests.fakes.medusa.state import MedusaState
from tests.fakes.medusa.stock import Json


class MedusaRefusal(Exception):
    """An error in Medusa's form."""

    def __init__(self, status: int, kind: str, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {**({"code": code} if code else {}), "type": kind, "message": message}


class MedusaCall(Struct, frozen=True, kw_only=True):
    """One call."""

    state: MedusaState
    ids: tuple[str, ...]
    """From the path."""
    query: Mapping[str, list[str]]
    body: Any
    claims: Mapping[str, Any] = {}
    """Of the bearer token, where the route asks for one."""

    def value(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return self.query.get(name, [default])[0]

    @property
    def fields(self) -> str:
        """What was asked for beyond the usual."""
        return self.value("fields")


class Route(Struct, frozen=True, kw_only=True):
    """A call that there is: what else is refused."""

    method: str
    path: str
    """A pattern with a group for each id."""
    handle: Callable[[MedusaCall], Json]
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    lenient: bool = False
    """Whether unknown fields are ignored."""
    actor: Literal["", "identity", "customer"] = ""
    """Whose bearer token it wants: of somebody with a password, or of a customer."""


def invalid(message: str) -> MedusaRefusal:
    """The usual refusal."""
    return MedusaRefusal(400, "invalid_data", message)


def missing(message: str) -> MedusaRefusal:
    """The refusal of what is not there."""
    return MedusaRefusal(404, "not_found", message)
