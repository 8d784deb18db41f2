"""Runs the store's tools for an agent protocol whose operations are made of them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.calls.pipeline import ToolCall, run_call
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.error_codes import error_code
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import NULL_OBSERVATION, REQUEST_CONTEXT, ObservedRequest, RequestOrigin
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.tool_context import Level

CALL_METHOD: Final = "tools/call"
"""The method under which telemetry counts tool calls of every protocol."""


class SilentToolContext:
    """Implements `ToolContext` for a client that can be neither asked nor told of progress."""

    can_ask = False
    capabilities: Mapping[str, Any] = {}
    answers: Mapping[str, Any] = {}
    state: Any = None

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Do nothing."""

    async def log(self, level: Level, value: Any) -> None:  # noqa: ANN401 -- any JSON
        """Do nothing."""


SILENT_CONTEXT: Final = SilentToolContext()
_ENCODER: Final = msgspec.json.Encoder()


class ToolRunner(Struct, frozen=True, kw_only=True):
    """Runs tools for one request, each through the pipeline: with its phase, scopes, limits, audit and metrics."""

    roadmap: Roadmap
    """What its caller is shown."""
    shop: Shop
    caller: Caller
    origin: RequestOrigin
    protocol: str
    """Protocol and version, for metrics and traces: `ucp` and a date. One of few, never what a client sent."""
    policy: CallPolicy | None = None
    """None: no rate limits, idempotency or audit."""

    def is_open(self, tool: str) -> bool:
        """Whether the tool can be called now."""
        return tool in self.roadmap.open_items

    async def run(self, tool: str, /, **arguments: Any) -> Any:  # noqa: ANN401 -- what the tool takes and returns
        """Run a tool and return its value, a replayed one decoded. Raises CallError and ShopError, nothing else.

        Names of arguments may be a client's own: none of them is a parameter of this method.
        """
        origin = self.origin
        observed = ObservedRequest(
            address=origin.address,
            agent=origin.agent,
            headers=origin.headers,
            source=origin.source,
            id="",
            method=CALL_METHOD,
            protocol=self.protocol,
            name=tool,
        )
        if (context := REQUEST_CONTEXT.get()) is not None:
            context.observed = observed
        instrumentation = None if self.policy is None else self.policy.instrumentation
        observation = NULL_OBSERVATION if instrumentation is None else instrumentation.observe_request(observed)
        call = ToolCall(
            tool=tool,
            arguments=Raw(_ENCODER.encode(arguments)),
            caller=self.caller,
            roadmap=self.roadmap,
            shop=self.shop,
            context=SILENT_CONTEXT,
            policy=self.policy,
            origin=origin,
        )
        try:
            value = await run_call(call)
        except BaseException as error:
            observation.record_outcome(error_code(error))
            raise
        finally:
            observation.end()
        if isinstance(value, Raw):
            return msgspec.json.decode(value, type=self.roadmap.open_items[tool].result)
        return value
