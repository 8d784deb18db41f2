"""`OperationRunner`: what each request passes before its operation runs, and the operation itself."""

from msgspec.structs import replace

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.agent_protocol import ProtocolRequest
from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.ucp.encoding import EncodedAnswer
from storefront_mcp.ucp.failures import INVALID_PARAMS, UcpFailure, UcpOutcome, refusal_of
from storefront_mcp.ucp.operations import UcpOperation, encode_outcome, run_operation
from storefront_mcp.ucp.platforms import (
    AGENT_FIELD,
    PlatformDirectory,
    UnfetchedPlatforms,
    check_profile_url,
    profile_of_field,
)
from storefront_mcp.ucp.request import UcpRequest


class OperationRunner:
    """Who asks is known, what is asked for is open, and a repeat is answered as before."""

    def __init__(self, platforms: PlatformDirectory | None = None) -> None:
        self._platforms = platforms or UnfetchedPlatforms()

    async def run(  # noqa: PLR0913 -- what a transport reads of a request
        self,
        operation: UcpOperation,
        request: ProtocolRequest,
        release: UcpRelease,
        *,
        profile: str | None,
        key: str,
        id_: str,
        payload: bytes,
        over_mcp: bool = False,
    ) -> EncodedAnswer:
        """The answer. Raises UcpFailure.

        `profile` is the one that the message itself names, where it does; the header's counts otherwise.
        """
        named = profile if profile is not None else profile_of_field(request.fields.get(AGENT_FIELD, b""))
        url = check_profile_url(named or "", request.runner.shop.store.origin)
        try:
            platform, origin = await self._platforms.identify(url, request, release)
        except UcpOutcome as outcome:
            return encode_outcome(outcome, request.runner.shop.store, release)
        runner = request.runner if origin is request.runner.origin else replace(request.runner, origin=origin)
        await _check_open(operation, runner)
        if operation.needs_key and not key:
            raise UcpFailure(
                400, INVALID_PARAMS, "idempotency_key_required", f"{operation.name} takes an idempotency key, a UUID."
            )
        asked = UcpRequest(
            runner=runner,
            release=release,
            platform=platform,
            id=id_,
            key=key,
            payload=payload,
            over_mcp=over_mcp,
        )
        return await run_operation(operation, asked)


async def _check_open(operation: UcpOperation, runner: ToolRunner) -> None:
    """Raises UcpFailure while a tool that the operation needs is not open."""
    closed = next((tool for tool in operation.tools if not runner.is_open(tool)), None)
    if closed is None:
        return
    try:
        await runner.run(closed)
    except CallError as error:
        raise refusal_of(error) from None
