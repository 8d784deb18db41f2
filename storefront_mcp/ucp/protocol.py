"""`UcpProtocol`: one release of UCP at one store, over REST and MCP."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.instrumentation import AgentProtocolName
from storefront_mcp.ucp.mcp_transport import McpTransport
from storefront_mcp.ucp.operation_runner import OperationRunner
from storefront_mcp.ucp.operations import UcpOperation
from storefront_mcp.ucp.rest_transport import RestTransport

if TYPE_CHECKING:
    from storefront_mcp.message_signatures.signing import AnswerSigner

MCP_PATHS: Final = frozenset({"/mcp", "/mcp/"})
REQUEST_HEADERS: Final = (
    "Authorization, Content-Type, Content-Digest, Idempotency-Key, Request-Id, Signature, Signature-Agent, "
    "Signature-Input, UCP-Agent"
)


class UcpProtocol:
    """Implements `AgentProtocol`."""

    name: AgentProtocolName = "ucp"
    request_headers = REQUEST_HEADERS

    def __init__(
        self,
        release: UcpRelease,
        operations: Mapping[str, UcpOperation],
        runner: OperationRunner,
        signer: "AnswerSigner | None" = None,
    ) -> None:
        """Without a `signer`, answers are not signed."""
        self._signer = signer
        self.label = f"ucp {release.id}"
        self.mount = release.mount
        self._mcp = McpTransport(release, operations, runner)
        self._rest = RestTransport(release, operations, runner)

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request."""
        transport = self._mcp if request.path in MCP_PATHS else self._rest
        answer = await transport.answer(request)
        if self._signer is None or not answer.body:
            return answer
        fields = self._signer.signature_fields(answer.status, answer.body, answer.media_type)
        return replace(answer, headers=[*answer.headers, *fields])
