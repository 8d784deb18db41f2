"""`AcpProtocol`: checkout sessions and carts over REST, as a function of requests."""

import re
from collections.abc import Awaitable, Callable, Container, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from storefront_mcp.access.scopes import has_scope
from storefront_mcp.acp.errors import AcpError, error_of, session_missing
from storefront_mcp.acp.idempotency import KEY_HEADER, answer_once, key_of
from storefront_mcp.acp.operations import AcpOperations
from storefront_mcp.acp.request_bodies import canonical_json, read_body
from storefront_mcp.agent_protocols.acp import ACP_MOUNT, ACP_VERSION, SUPPORTED_ACP_VERSIONS
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout.token_payment import TokenCheckout
from storefront_mcp.checkout_sessions import CheckoutSessions
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.instrumentation import AgentProtocolName

KEY_SCOPE: Final = "read:content"
"""That a key has to have: one of the set `storefront`, for agents that represent a buyer."""
VERSION_HEADER: Final = b"api-version"
REQUEST_ID_HEADER: Final = b"request-id"
MAX_REQUEST_ID_BYTES: Final = 255
ID_PATTERN: Final = r"(?P<id>[A-Za-z0-9._~-]{1,128})"

Operation = Callable[[AcpOperations, ToolRunner, str, dict[str, Any]], Awaitable[tuple[int, dict[str, Any]]]]
"""Answers with a status and a body."""


class AcpProtocol:
    """Implements `AgentProtocol` for one store."""

    name: AgentProtocolName = "acp"
    label = f"acp {ACP_VERSION}"
    mount = ACP_MOUNT
    request_headers = "Authorization, Content-Type, API-Version, Idempotency-Key, Request-Id"

    def __init__(
        self, sessions: CheckoutSessions, told: Container[str] = (), payments: TokenCheckout | None = None
    ) -> None:
        """As `AcpOperations`."""
        self._operations = AcpOperations(sessions, told, payments)

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request."""
        try:
            answer = await self._answer(request)
        except AcpError as error:
            answer = error.response()
        except (CallError, ShopError) as error:
            answer = error_of(error).response()
        fields = request.fields
        sent = [(name, fields[name]) for name in (REQUEST_ID_HEADER, KEY_HEADER) if name in fields]
        echo = [(name, value) for name, value in sent if len(value) <= MAX_REQUEST_ID_BYTES]
        headers = [*answer.headers, *echo, (b"api-version", ACP_VERSION.encode()), (b"cache-control", b"no-store")]
        return ProtocolResponse(status=answer.status, body=answer.body, media_type=answer.media_type, headers=headers)

    async def _answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """As `answer`. Raises AcpError, CallError and ShopError."""
        operation, id_ = _operation_at(request.method, request.path)
        _check_caller(request.runner)
        _check_version(request.fields.get(VERSION_HEADER))
        if request.method == "GET":
            return await self._run(operation, request.runner, id_, {})
        key = key_of(request.fields.get(KEY_HEADER))
        body = read_body(request.body)
        policy = request.runner.policy
        if policy is None:
            return await self._run(operation, request.runner, id_, body)

        async def run() -> ProtocolResponse:
            try:
                return await self._run(operation, request.runner, id_, body)
            except AcpError as error:
                return error.response()
            except (CallError, ShopError) as error:
                return error_of(error).response()

        endpoint = f"{request.method} {request.path}"
        return await answer_once(policy.answers, request.runner, endpoint, key, canonical_json(body), run)

    async def _run(self, operation: Operation, runner: ToolRunner, id_: str, body: dict[str, Any]) -> ProtocolResponse:
        status, shown = await operation(self._operations, runner, id_, body)
        return ProtocolResponse(status=status, body=msgspec.json.encode(shown))


_ROUTES: Final[tuple[tuple[re.Pattern[str], Mapping[str, Operation]], ...]] = (
    (re.compile(r"/checkout_sessions"), {"POST": AcpOperations.create_session}),
    (
        re.compile(rf"/checkout_sessions/{ID_PATTERN}"),
        {"GET": AcpOperations.read_session, "POST": AcpOperations.update_session},
    ),
    (re.compile(rf"/checkout_sessions/{ID_PATTERN}/complete"), {"POST": AcpOperations.complete_session}),
    (re.compile(rf"/checkout_sessions/{ID_PATTERN}/cancel"), {"POST": AcpOperations.cancel_session}),
    (re.compile(r"/carts"), {"POST": AcpOperations.create_cart}),
    (re.compile(rf"/carts/{ID_PATTERN}"), {"GET": AcpOperations.read_cart, "PUT": AcpOperations.update_cart}),
    (re.compile(rf"/carts/{ID_PATTERN}/cancel"), {"POST": AcpOperations.cancel_cart}),
)


def _operation_at(method: str, path: str) -> tuple[Operation, str]:
    """The operation of a request, and the id in its path. Raises AcpError."""
    for pattern, operations in _ROUTES:
        found = pattern.fullmatch(path)
        if found is not None:
            operation = operations.get(method)
            if operation is None:
                message = f"This takes {' and '.join(operations)}."
                raise AcpError(HTTPStatus.METHOD_NOT_ALLOWED, "unsupported", message, allowed=tuple(operations))
            return operation, found.groupdict().get("id", "")
    raise session_missing()


def _check_caller(runner: ToolRunner) -> None:
    """Raises AcpError for a caller without a key of the store that may shop."""
    if runner.caller.kind == "guest":
        message = "Authorization is required: Bearer and an API key of this store."
        raise AcpError(HTTPStatus.UNAUTHORIZED, "unauthorized", message)
    if not has_scope(runner.caller, KEY_SCOPE):
        raise AcpError(HTTPStatus.FORBIDDEN, "forbidden", f"This key lacks the scope {KEY_SCOPE}.")


def _check_version(sent: bytes | None) -> None:
    """Raises AcpError for a request that names no version, or one that is not spoken here."""
    version = (sent or b"").decode("latin-1").strip()
    if version in SUPPORTED_ACP_VERSIONS:
        return
    code = "unsupported_api_version" if version else "missing_api_version"
    message = f"API-Version is one of {', '.join(SUPPORTED_ACP_VERSIONS)}."
    raise AcpError(HTTPStatus.BAD_REQUEST, code, message, supported_versions=SUPPORTED_ACP_VERSIONS)
