"""Dress a value for the version that asked: bare for the handshake era, with envelope and cache hints since."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.versions import ProtocolVersion
from storefront_mcp.roadmap.content import Audio, Block, Content, Link, Linked, Spoken, Text
from storefront_mcp.roadmap.conversation import Form, OpenUrl, Question, Roots, Sample

_ENCODER: Final = msgspec.json.Encoder()
DRESSED: Final = b'{"resultType":"complete",'
NO_ERROR: Final = b',"isError":false'
LIST_TTL_MS: Final = 1_000
"""How long a client may keep a list: no longer than a flip may take to be seen everywhere."""


def server_names(store: Store) -> dict[str, Any]:
    """Implementation: what the server calls itself, the same as in both cards."""
    return {"name": store.speaker.name, "title": store.title, "version": store.version or store.speaker.version}


def pictured(names: dict[str, Any], store: Store, version: ProtocolVersion) -> dict[str, Any]:
    """The same with the store's icon, for the one answer in which a client looks for it."""
    if store.icon is None or not version.shows_icons:
        return names
    kind = {"mimeType": store.icon_type} if store.icon_type else {}
    return {**names, "icons": [{"src": store.icon, **kind}]}


def dressed(
    result: Mapping[str, Any],
    version: ProtocolVersion,
    store: Store,
    *,
    ttl_ms: int | None = None,
    private: bool = False,
) -> bytes:
    """Encode a result; `ttl_ms` marks those that may be cached, by one caller only where they are `private`."""
    if not version.dresses_results:
        return _ENCODER.encode(result)
    cache = {} if ttl_ms is None else {"ttlMs": ttl_ms, "cacheScope": "private" if private else "public"}
    return _ENCODER.encode({"resultType": "complete", **result, **cache, "_meta": _meta(store)})


def signature(store: Store) -> bytes:
    """The `_meta` of every result, made once per roadmap."""
    return _ENCODER.encode(_meta(store))


def tool_result(value: Any, version: ProtocolVersion, signed: bytes) -> bytes:  # noqa: ANN401 -- any shop value
    """A tool's value: as JSON text, and as structured content where the version has it. Encoded once."""
    beside = b""
    if isinstance(value, Linked):
        if version.links_resources:
            beside = b"".join(b"," + _ENCODER.encode(link) for link in value.links)
        value = value.value
    body = _ENCODER.encode(value)
    # All of it at once: calls of functions would cost as much as the joining.
    parts = [b'"content":[{"type":"text","text":"', _quoted(body), b'"}', beside]
    parts += (b'],"structuredContent":', body, NO_ERROR) if version.structures_results else (b"]", NO_ERROR)
    if version.dresses_results:
        return b"".join((DRESSED, *parts, b',"_meta":', signed, b"}"))
    return b"".join((b"{", *parts, b"}"))


def _quoted(body: bytes) -> bytes:
    """The inside of a JSON string that holds this JSON text: written without line breaks, only these need escaping."""
    if body.isascii():
        # The encoder is twice as fast, but only for a text that needs no decoding.
        return _ENCODER.encode(body.decode("ascii"))[1:-1]
    return body.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def content_result(content: Content, version: ProtocolVersion, store: Store) -> bytes:
    """A tool's answer in blocks, in the kinds that the version knows."""
    blocks = [_block(block, version) for block in content.blocks]
    return dressed({"content": blocks, "isError": False}, version, store)


def prompt_result(description: str, messages: Sequence[Spoken], version: ProtocolVersion, store: Store) -> bytes:
    """A prompt, filled in."""
    said = [{"role": message.role, "content": _block(message.content, version)} for message in messages]
    return dressed({"description": description, "messages": said}, version, store)


def question_result(questions: Mapping[str, Question], state: str | None, store: Store) -> bytes:
    """A result that asks back (specification, multi round-trip requests)."""
    result: dict[str, Any] = {"resultType": "input_required", "_meta": _meta(store)}
    if questions:
        result["inputRequests"] = {key: _question(question) for key, question in questions.items()}
    if state is not None:
        result["requestState"] = state
    return _ENCODER.encode(result)


def tool_error(message: str, detail: object, version: ProtocolVersion, signed: bytes) -> bytes:
    """A refusal that the model should read: a sentence, and what there is to choose from."""
    text = message if detail is None else f"{message}\n{_ENCODER.encode(detail).decode()}"
    content = b'"content":[{"type":"text","text":' + _ENCODER.encode(text) + b"}]"
    return b"".join((_opened(version), content, b',"isError":true', *_closed(version, signed)))


def _block(block: Block, version: ProtocolVersion) -> Any:  # noqa: ANN401 -- a block or its stand-in
    """A content block; kinds that a version does not know become text."""
    if isinstance(block, Audio) and not version.speaks_sound:
        return Text(f"[sound, {block.mime_type}]")
    if isinstance(block, Link) and not version.links_resources:
        return Text(f"{block.name}: {block.uri}")
    return block


def _question(question: Question) -> dict[str, Any]:
    match question:
        case Form(message, schema):
            return _request("elicitation/create", mode="form", message=message, requestedSchema=schema)
        case OpenUrl(message, url):
            return _request("elicitation/create", mode="url", message=message, url=url)
        case Sample(messages, max_tokens):
            return _request("sampling/createMessage", messages=messages, maxTokens=max_tokens)
        case Roots():
            return {"method": "roots/list"}


def _request(method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    return {"method": method, "params": params}


def _opened(version: ProtocolVersion) -> bytes:
    return DRESSED if version.dresses_results else b"{"


def _closed(version: ProtocolVersion, signed: bytes) -> tuple[bytes, ...]:
    return (b',"_meta":', signed, b"}") if version.dresses_results else (b"}",)


def _meta(store: Store) -> dict[str, Any]:
    return {"io.modelcontextprotocol/serverInfo": server_names(store)}
