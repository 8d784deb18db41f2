"""Rate limits of one site by client address or signing agent, before authentication, and the answers with 429."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from litestar.types import Scope, Send
from msgspec.structs import replace

from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.access.rate_limits import LimitExceeded, SignatureVerifier
from storefront_mcp.calls.errors import RateLimited
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.instrumentation import REQUEST_CONTEXT, AgentProtocolName, Headers, RequestOrigin
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError, error_bytes
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.forwarded import ClientAddressResolver
from storefront_mcp.web.forwarding import ForwardingMonitor
from storefront_mcp.web.problem import PROBLEM_TYPE, problem_bytes
from storefront_mcp.web.responses import write_response

TOO_MANY_STATUS: Final = int(HTTPStatus.TOO_MANY_REQUESTS)
SIGNATURE_HEADER: Final = b"signature-input"
"""Every signed request has this field (RFC 9421 §4.1)."""
HTML_TYPE: Final = b"text/html; charset=utf-8"


class RequestRateLimiter:
    """Per-client-address rate limit of one site. Requests whose client address is unknown are not limited."""

    def __init__(
        self,
        policy: CallPolicy,
        addresses: ClientAddressResolver,
        signatures: SignatureVerifier | None = None,
        monitor: ForwardingMonitor | None = None,
    ) -> None:
        """Without `signatures`, signatures are not verified."""
        self.monitor = ForwardingMonitor(None, addresses) if monitor is None else monitor
        self._signatures = signatures
        self._policy = policy
        self._limits = policy.limits
        self._addresses = addresses

    def unsigned_origin(
        self,
        peer: Sequence[object] | None,
        headers: Headers,
        fields: Mapping[bytes, bytes] | None = None,
        *,
        source: AgentProtocolName = "mcp",
    ) -> RequestOrigin:
        """Where a request came from, by its peer and headers; its signature is not verified."""
        address = self._addresses.resolve(peer, headers, fields)
        if not address or address in self._addresses.private:
            self.monitor.observe(peer, headers)
        request = REQUEST_CONTEXT.get()
        if request is not None and not self._addresses.is_shared(address):
            request.holder = address
        return RequestOrigin(address=address, headers=headers, source=source)

    def path_prefix(self, scope: Scope) -> str:
        """The path under which clients see this server: that of its mount, or what a trusted proxy says it cut off."""
        return self._addresses.path_prefix(scope.get("client"), scope["headers"]) + scope.get("root_path", "")

    async def check_request(
        self, scope: Scope, headers: Headers, fields: Mapping[bytes, bytes], *, source: AgentProtocolName = "mcp"
    ) -> tuple[RequestOrigin, LimitExceeded | None]:
        """Where a request came from and which agent has signed it; the limit that it exceeds, after auditing that.

        `source` is the protocol that it came by. Call once per request: it is counted, and a nonce holds once.
        """
        origin = self.unsigned_origin(scope.get("client"), headers, fields, source=source)
        if SIGNATURE_HEADER in fields and origin.address:
            origin = replace(origin, agent=self._signer(scope, headers))
        refused = await self._limits.check_request(origin)
        if refused is not None:
            self.audit_limited(refused, origin)
        return origin, refused

    def _signer(self, scope: Scope, headers: Headers) -> str | None:
        if self._signatures is None:
            return None
        # Undecoded: the signature covers the bytes that were sent.
        target = (scope.get("raw_path") or b"") + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        host = first_of_each(headers).get(b"host", b"")
        method: str = scope["method"]  # type: ignore[typeddict-item]
        return self._signatures.agent(method, host.decode("latin-1"), target.decode("latin-1"), headers)

    def audit_limited(self, refused: LimitExceeded, origin: RequestOrigin) -> None:
        """Audit and count a limit that a request has hit."""
        self._policy.audit_limited(refused, origin)

    async def check_unsigned(self, peer: Sequence[object] | None, headers: Headers) -> LimitExceeded | None:
        """Count a request that no agent protocol gets, by its address alone; the limit that it exceeds, else None."""
        origin = self.unsigned_origin(peer, headers)
        refused = await self._limits.check_request(origin)
        if refused is not None:
            self.audit_limited(refused, origin)
        return refused

    async def may_authenticate(self, origin: RequestOrigin) -> LimitExceeded | None:
        """The limit of rejected credentials that the address has reached, after auditing that, else None."""
        refused = await self._limits.check_failed_credentials(origin.address)
        if refused is not None:
            self._policy.audit_limited(refused, origin)
        return refused

    async def count_rejection(self, origin: RequestOrigin) -> None:
        """Count and audit a rejected credential."""
        await self._limits.count_failed_credential(origin.address)
        self._policy.audit_rejected_credential(origin, CredentialRefused.code)


def limited_text(refused: LimitExceeded) -> str:
    """An exceeded limit as a sentence."""
    what = "refused credentials" if refused.rule == "failed" else "requests"
    return f"Too many {what} from your address. Try again in {refused.retry_after} seconds."


async def send_limited(
    send: Send,
    refused: LimitExceeded,
    accept: bytes,
    security: Sequence[tuple[bytes, bytes]],
    json: bytes | None = None,
    *,
    head: bool,
) -> None:
    """429 for anything but `/mcp`: `json`, or a page for browsers, else a problem document; from every origin."""
    told = limited_text(refused)
    kind, body = PROBLEM_TYPE.encode(), problem_bytes(TOO_MANY_STATUS, told, code=RateLimited.code)
    if json is not None:
        kind, body = b"application/json", json
    elif b"text/html" in accept.lower():
        kind = HTML_TYPE
        body = f"<!doctype html><html lang=en><title>Too many requests</title><p>{told}</p></html>".encode()
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"Retry-After"),
        *http_headers(refused),
        *security,
    ]
    await write_response(send, TOO_MANY_STATUS, body, headers, head=head)


def limited_client_bytes(refused: LimitExceeded) -> bytes:
    """An exceeded limit for clients of the authorization server, which take what is no error of OAuth for an end."""
    body = {"error": "temporarily_unavailable", "error_description": limited_text(refused)}
    return msgspec.json.encode(body)


def refusal_bytes(refused: LimitExceeded) -> bytes:
    """An exceeded limit as a JSON-RPC error without id: the request was not read."""
    details = {"code": RateLimited.code, "retry_after": refused.retry_after, "limit": refused.rule}
    return error_bytes(JsonRpcError(ErrorCode.RATE_LIMITED, limited_text(refused), details=details))


def http_headers(refused: LimitExceeded) -> list[tuple[bytes, bytes]]:
    """The response headers of an exceeded limit: `Retry-After` and the like."""
    return [(name.lower().encode(), value.encode()) for name, value in refused.headers().items()]
