"""UCP over REST: paths, headers and statuses."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.ucp.failures import INVALID_REQUEST, UcpFailure
from storefront_mcp.ucp.messages import failure_body
from storefront_mcp.ucp.operation_runner import OperationRunner
from storefront_mcp.ucp.operations import UcpOperation, is_outcome

ID_PATTERN: Final = r"(?P<id>[\w.~-]{1,128})"
KEY_FIELD: Final = b"idempotency-key"
MAX_KEY_CHARS: Final = 255
_ENCODER: Final = msgspec.json.Encoder()


class RestTransport:
    """The operations by method and path."""

    def __init__(self, release: UcpRelease, operations: Mapping[str, UcpOperation], runner: OperationRunner) -> None:
        self._release = release
        self._runner = runner
        self._fixed: dict[str, dict[str, UcpOperation]] = {}
        self._patterns: dict[re.Pattern[str], dict[str, UcpOperation]] = {}
        for operation in operations.values():
            if "{id}" in operation.path:
                pattern = re.compile(operation.path.replace("{id}", ID_PATTERN), re.ASCII)
                self._patterns.setdefault(pattern, {})[operation.method] = operation
            else:
                self._fixed.setdefault(operation.path, {})[operation.method] = operation

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request."""
        methods, id_ = self._route(request.path.rstrip("/"))
        operation = methods.get(request.method)
        if operation is None:
            return _not_here(request, methods)
        try:
            answer = await self._runner.run(
                operation,
                request,
                self._release,
                profile=None,
                key=request.fields.get(KEY_FIELD, b"").decode("latin-1").strip()[:MAX_KEY_CHARS],
                id_=id_,
                payload=request.body or b"{}",
            )
        except UcpFailure as failure:
            return failure_response(failure)
        status = HTTPStatus.OK if is_outcome(answer) else operation.status
        return ProtocolResponse(status=status, body=answer.body(), headers=NOT_STORED)

    def _route(self, path: str) -> tuple[Mapping[str, UcpOperation], str]:
        """The operations at a path by method, and the id in it."""
        if (found := self._fixed.get(path)) is not None:
            return found, ""
        for pattern, methods in self._patterns.items():
            if (match := pattern.fullmatch(path)) is not None:
                return methods, match["id"]
        return {}, ""


NOT_STORED: Final = ((b"cache-control", b"no-store"),)


def failure_response(failure: UcpFailure) -> ProtocolResponse:
    """A failure over REST."""
    headers = [*NOT_STORED]
    if failure.retry_after is not None:
        headers.append((b"retry-after", b"%d" % failure.retry_after))
    return ProtocolResponse(status=failure.status, body=_ENCODER.encode(failure_body(failure)), headers=headers)


def _not_here(request: ProtocolRequest, methods: Mapping[str, UcpOperation]) -> ProtocolResponse:
    if not methods:
        failure = UcpFailure(404, INVALID_REQUEST, "unknown_operation", f"There is no {request.path[:100]} here.")
        return failure_response(failure)
    failure = UcpFailure(405, INVALID_REQUEST, "method_not_allowed", f"{request.method} is not used here.")
    response = failure_response(failure)
    return msgspec.structs.replace(response, headers=[*response.headers, (b"allow", ", ".join(methods).encode())])
