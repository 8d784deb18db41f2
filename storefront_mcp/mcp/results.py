"""Encoding of results and responses for a protocol version: bare in the handshake era, in an envelope since."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from storefront_mcp.commerce.catalogue_value import ReusableValue
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.jsonrpc import JsonRpcError, RequestId, challenge_field
from storefront_mcp.mcp.versions import ProtocolVersion
from storefront_mcp.tools.content import (
    AudioBlock,
    Block,
    ContentBlocks,
    PromptMessage,
    ResourceLink,
    TextBlock,
    ValueWithLinks,
)
from storefront_mcp.tools.tool_context import FormElicitation, Question, RootsRequest, SamplingRequest, UrlElicitation

_ENCODER: Final = msgspec.json.Encoder()
ENVELOPE_START: Final = b'{"resultType":"complete",'
IS_ERROR_FALSE: Final = b',"isError":false'
SERVER_INFO_KEY: Final = "io.modelcontextprotocol/serverInfo"
ERROR_META_KEY: Final = "storefront-mcp/error"
"""Key in the `_meta` of a result with `isError` whose value holds the error's code."""
RESOURCE_METADATA_PATH: Final = "/.well-known/oauth-protected-resource/mcp"
SIGN_IN_META_KEY: Final = "mcp/www_authenticate"
"""Key in the `_meta` of a result with `isError` whose values are challenges (OpenAI's Apps SDK)."""
JSON_KEY: Final = "json"
"""Under which a reusable value keeps its JSON, and this once more as it stands in a JSON string."""
LIST_TTL_MS: Final = 1_000
"""Cache time of a list: as long as a flip may take to reach every worker."""


def server_names(store: Store) -> dict[str, Any]:
    """Implementation (name, title, version), the same as in both cards."""
    return {"name": store.server.name, "title": store.title, "version": store.version or store.server.version}


def with_links(names: dict[str, Any], store: Store, version: ProtocolVersion) -> dict[str, Any]:
    """Add `icons` and `websiteUrl`, in versions that have them; only where a server introduces itself."""
    if not version.server_links:
        return names
    links: dict[str, Any] = {"websiteUrl": store.website_url}
    if store.icon is not None:
        links["icons"] = [{"src": store.icon, **({"mimeType": store.icon_type} if store.icon_type else {})}]
    return {**names, **links}


def response_bytes(id_: RequestId, result: bytes) -> bytes:
    """A response around an encoded result."""
    return b"".join((b'{"jsonrpc":"2.0","id":', _ENCODER.encode(id_), b',"result":', result, b"}"))


def encode_result(
    result: Mapping[str, Any],
    version: ProtocolVersion,
    store: Store,
    *,
    ttl_ms: int | None = None,
    private: bool = False,
) -> bytes:
    """Encode a result; one with `ttl_ms` may be cached, only by its caller if `private`."""
    if not version.result_envelope:
        return _ENCODER.encode(result)
    cache = {} if ttl_ms is None else {"ttlMs": ttl_ms, "cacheScope": "private" if private else "public"}
    return _ENCODER.encode(
        {"resultType": "complete", **result, **cache, "_meta": _meta(store) | result.get("_meta", {})}
    )


def encode_meta(store: Store) -> bytes:
    """The `_meta` of every result, encoded."""
    return _ENCODER.encode(_meta(store))


def tool_result(
    value: Any,  # noqa: ANN401 -- any shop value
    version: ProtocolVersion,
    meta: bytes,
    notice: str = "",
) -> bytes:
    """CallToolResult: a value as JSON text, and as structured content in versions that have it. Encoded once.

    A `notice` for the model is a text of its own, after the value.
    """
    beside = b""
    if isinstance(value, ValueWithLinks):
        if version.resource_links:
            beside = b"".join(b"," + _ENCODER.encode(link) for link in value.links)
        value = value.value
    if notice:
        beside += b"," + _ENCODER.encode(TextBlock(notice))
    # A result of what is cached is the same object each time.
    reusable = value if isinstance(value, ReusableValue) else None
    encoded: tuple[bytes, bytes] | None = None if reusable is None else reusable.recall(JSON_KEY)
    if encoded is None:
        body = _ENCODER.encode(value)
        # Written inline: calls of functions would cost as much as the joining. The value has no line breaks, so only
        # quotes and backslashes need an escape in a JSON string; the encoder is twice as fast, but only for ASCII.
        if body.isascii():
            text = _ENCODER.encode(body.decode("ascii"))[1:-1]
        else:
            text = body.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        encoded = body, text
        if reusable is not None:
            reusable.keep(JSON_KEY, encoded)
    body, text = encoded
    parts = [b'"content":[{"type":"text","text":"', text, b'"}', beside]
    parts += (b'],"structuredContent":', body, IS_ERROR_FALSE) if version.structured_content else (b"]", IS_ERROR_FALSE)
    if version.result_envelope:
        return b"".join((ENVELOPE_START, *parts, b',"_meta":', meta, b"}"))
    return b"".join((b"{", *parts, b"}"))


def content_result(content: ContentBlocks, version: ProtocolVersion, store: Store) -> bytes:
    """CallToolResult of content blocks, in the kinds that the version has."""
    blocks = [_block(block, version) for block in content.blocks]
    return encode_result({"content": blocks, "isError": False}, version, store)


def prompt_result(description: str, messages: Sequence[PromptMessage], version: ProtocolVersion, store: Store) -> bytes:
    """GetPromptResult."""
    said = [{"role": message.role, "content": _block(message.content, version)} for message in messages]
    return encode_result({"description": description, "messages": said}, version, store)


def input_required_bytes(questions: Mapping[str, Question], state: str | None, store: Store) -> bytes:
    """InputRequiredResult (specification, multi round-trip requests)."""
    result: dict[str, Any] = {"resultType": "input_required", "_meta": _meta(store)}
    if questions:
        result["inputRequests"] = {key: _question(question) for key, question in questions.items()}
    if state is not None:
        result["requestState"] = state
    return _ENCODER.encode(result)


def tool_error(code: str, message: str, detail: object, version: ProtocolVersion, meta: bytes) -> bytes:
    """CallToolResult with `isError`: a sentence for the model, the choices it has, and the error's code.

    The code stands in structured content, with all that the text says, as some clients show a model nothing else; in
    `_meta` for versions that have none.
    """
    text = message if detail is None else f"{message}\n{_ENCODER.encode(detail).decode()}"
    content = b'"content":[{"type":"text","text":' + _ENCODER.encode(text) + b'}],"isError":true,'
    if not version.structured_content:
        code_only = _ENCODER.encode({"code": code})
        return b"".join((b"{", content, b'"_meta":{"', ERROR_META_KEY.encode(), b'":', code_only, b"}}"))
    told = {"code": code, "message": message} | ({} if detail is None else {"detail": detail})
    error = _ENCODER.encode(told)
    opened, beside = (ENVELOPE_START, b',"_meta":' + meta) if version.result_envelope else (b"{", b"")
    return b"".join((opened, content, b'"structuredContent":{"error":', error, b"}", beside, b"}"))


def sign_in_result(refusal: JsonRpcError, version: ProtocolVersion, store: Store) -> bytes:
    """CallToolResult with `isError` that stands for a missing or ended token of a buyer, under status 401 or 403.

    ChatGPT asks a person to sign in by its `_meta`, which wants an error with a description; other clients do so by the
    status and its header.
    """
    needs, said = refusal.needs, str(refusal)
    challenge = challenge_field(
        error=(needs.error if needs else None) or "insufficient_scope",
        error_description=said,
        scope=needs.scope if needs else None,
        resource_metadata=store.url(RESOURCE_METADATA_PATH),
    )
    details: Any = refusal.details
    result: dict[str, Any] = {
        "content": [TextBlock(said)],
        "isError": True,
        "_meta": {ERROR_META_KEY: details, SIGN_IN_META_KEY: [challenge]},
    }
    if version.structured_content:
        result["structuredContent"] = {"error": {"message": said, **details}}
    return encode_result(result, version, store)


def _block(block: Block, version: ProtocolVersion) -> Any:  # noqa: ANN401 -- a block or text
    """A content block; kinds that a version does not have become text."""
    if isinstance(block, AudioBlock) and not version.audio_content:
        return TextBlock(f"[sound, {block.mime_type}]")
    if isinstance(block, ResourceLink) and not version.resource_links:
        return TextBlock(f"{block.name}: {block.uri}")
    return block


def _question(question: Question) -> dict[str, Any]:
    match question:
        case FormElicitation(message, schema):
            return _request("elicitation/create", mode="form", message=message, requestedSchema=schema)
        case UrlElicitation(message, url):
            return _request("elicitation/create", mode="url", message=message, url=url)
        case SamplingRequest(messages, max_tokens):
            return _request("sampling/createMessage", messages=messages, maxTokens=max_tokens)
        case RootsRequest():
            return {"method": "roots/list"}


def _request(method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    return {"method": method, "params": params}


def _meta(store: Store) -> dict[str, Any]:
    return {SERVER_INFO_KEY: server_names(store)}
