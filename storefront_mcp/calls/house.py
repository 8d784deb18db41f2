"""What the calls of one store have in common: how often, granted once, and on record."""

import datetime as dt
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from msgspec import UNSET, Struct

from storefront_mcp.calls.audit import OK, AuditStalled, Entry, Sparingly, Trail, What, Who, caller_as, moment, stranger
from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, ScopeMissing, TooOften
from storefront_mcp.calls.fields import cart_of, shown
from storefront_mcp.calls.idempotency import Replays, once, wish_for
from storefront_mcp.calls.limits import PASSES, Limits, Refusal
from storefront_mcp.calls.watching import Watcher, request_id
from storefront_mcp.commerce.errors import CartNotFound, CheckoutNotFound
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.roadmap.tool import Tool

CAME_TO_NOTHING: Final = (ArgumentsRefused, CartNotFound, CheckoutNotFound)
"""Calls that met nothing of anybody's: strangers can make them up by the thousand."""
REQUEST_ID: Final = re.compile(r"[\w.:/+=-]{1,64}", re.ASCII)


class Visit(Protocol):
    """The request that a call came with. Asked for only where it is needed: most calls leave no trace."""

    @property
    def address(self) -> str:
        """The client's address as limits count it; empty when we cannot tell."""

    def client(self) -> str:
        """Name and version of the program, as it says itself."""

    def request_id(self) -> str:
        """The id that the request came with, whatever it holds; empty when there is none."""


class Unseen:
    """Implements `Visit` for a call that came with no request."""

    address = ""

    def client(self) -> str:
        """Nobody said."""
        return ""

    def request_id(self) -> str:
        """None came."""
        return ""


UNSEEN: Final = Unseen()


class House:
    """The house rules of one store. Shared by all of its calls in one worker."""

    def __init__(
        self,
        store: StoreId,
        *,
        limits: Limits,
        replays: Replays,
        trail: Trail,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
        watcher: Watcher | None = None,
    ) -> None:
        """Without a `watcher`, nobody looks on."""
        self._store = store
        self.limits = limits
        self.watcher = watcher
        self._replays = replays
        self._trail = trail
        self._seldom = Sparingly(trail, clock=clock)
        # Apart, so that nobody hides refused credentials behind made-up calls.
        self._idle = Sparingly(trail, clock=clock)
        self._now = now
        self._clock = clock

    def admits(self, tool: Tool, arguments: Struct | None, caller: Caller, visit: Visit) -> Awaitable[None]:
        """Let a call pass, or not yet; without `arguments` it is one that cannot be read. Raises TooOften."""
        refusal = self.limits.calls(
            address=visit.address,
            principal=None if caller.is_guest else caller.identifier,
            cart=None if arguments is None else cart_of(arguments),
            kind=None if arguments is None else tool.limit,
        )
        return PASSES if refusal is PASSES else self._admitted(refusal, visit, caller)

    async def _admitted(self, refused: Awaitable[Refusal | None], visit: Visit, caller: Caller) -> None:
        refusal = await refused
        if refusal is not None:
            self.was_too_often(refusal, visit, caller)
            raise TooOften(refusal)

    async def read(self, tool: Tool, read: Callable[[], Struct], caller: Caller, visit: Visit) -> Struct:
        """The arguments of a call that may pass; one that cannot be read counts all the same.

        Raises TooOften and what `read` raises.
        """
        try:
            arguments = read()
        except ArgumentsRefused:
            await self.admits(tool, None, caller, visit)
            raise
        await self.admits(tool, arguments, caller, visit)
        return arguments

    async def grants(
        self,
        tool: Tool,
        read: Callable[[], Struct],
        run: Callable[[Struct], Awaitable[Any]],
        caller: Caller,
        visit: Visit,
    ) -> Any:  # noqa: ANN401 -- the tool's value
        """Run a tool that writes: within its limits, once per key, and on record whatever becomes of it."""
        try:
            await self._trail.room()
        except AuditStalled:
            raise CallFailed from None
        began, arguments = self._clock(), None
        try:
            arguments = await self.read(tool, read, caller, visit)
            value = await self._once(tool, arguments, run, caller)
        except TooOften:
            # On record as a limit that was hit: entries must not grow with every call that is turned away.
            raise
        except BaseException as error:
            keeper = self._idle if isinstance(error, CAME_TO_NOTHING) else self._trail
            keeper.note(self._called(tool, arguments, caller, visit, began, type(error).__name__))
            raise
        entry = self._called(tool, arguments, caller, visit, began, OK)
        if tool.replays:
            self._trail.note(entry)
            return value
        # It sees to its repetition itself, so what it did is durable, and so is the trace of it before it is told.
        try:
            await self._trail.keep(entry)
        except AuditStalled:
            raise CallFailed from None
        return value

    async def _once(
        self, tool: Tool, arguments: Struct, run: Callable[[Struct], Awaitable[Any]], caller: Caller
    ) -> Any:  # noqa: ANN401 -- the tool's value
        wish = wish_for(self._store, tool.name, arguments, caller, repeats=tool.repeats) if tool.replays else None
        return await (run(arguments) if wish is None else once(wish, self._replays, lambda: run(arguments)))

    def _called(
        self, tool: Tool, arguments: Struct | None, caller: Caller, visit: Visit, began: float, outcome: str
    ) -> Entry:
        return self._entry(
            "tool.called",
            tool.name,
            caller_as(caller, visit.client()),
            outcome,
            milliseconds=round((self._clock() - began) * 1000, 1),
            request=_request(visit),
            arguments=UNSET if arguments is None else shown(arguments),
        )

    def was_forbidden(self, tool: Tool, caller: Caller, visit: Visit) -> None:
        """Note a call of a tool that writes by somebody who may not."""
        self._idle.note(self._called(tool, None, caller, visit, self._clock(), ScopeMissing.__name__))

    def was_too_often(self, refusal: Refusal, visit: Visit, caller: Caller | None = None) -> None:
        """Note a limit that was hit."""
        if self.watcher is not None:
            self.watcher.limited(refusal.rule)
        who = stranger(visit.address, visit.client())
        if caller is not None and not caller.is_guest:
            who = caller_as(caller, visit.client())
        self._seldom.note(self._entry("limit.hit", refusal.rule, who, "TooOften", request=_request(visit)))

    def refused_credential(self, visit: Visit, reason: str) -> None:
        """Note credentials that were refused; `reason` is the error's name, never what was sent."""
        who = stranger(visit.address, visit.client())
        self._seldom.note(self._entry("credential.refused", "credential", who, reason, request=_request(visit)))

    def _entry(self, what: What, subject: str, who: Who, outcome: str, **more: Any) -> Entry:  # noqa: ANN401
        at = moment(self._now())
        return Entry(
            at=at, source="mcp", store=self._store, what=what, subject=subject, who=who, outcome=outcome, **more
        )


def _request(visit: Visit) -> str:
    """The request's own id where it has a decent one, else one of ours."""
    named = visit.request_id()
    return named if REQUEST_ID.fullmatch(named) else request_id() or secrets.token_hex(8)
