"""What the operations of `/openapi.json` share: schemas, refusals and the security scheme (Components Object)."""

from collections.abc import Mapping
from typing import Any, Final

PROBLEM_TYPE: Final = "application/problem+json"
ID_SCHEMA: Final = {"type": ["string", "integer"]}
REQUEST_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "A JSON-RPC 2.0 request of the Model Context Protocol; without an id it is a notification.",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": ID_SCHEMA,
        "method": {"type": "string"},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc", "method"],
    "examples": [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}],
}
RESPONSE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "A JSON-RPC 2.0 response: a result, or an error.",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer", "null"]},
        "result": {"type": "object"},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {}},
            "required": ["code", "message"],
        },
    },
    "required": ["jsonrpc"],
    "oneOf": [{"required": ["id", "result"]}, {"required": ["error"]}],
}
PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
NOT_OPEN_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "The answer of an endpoint that is announced but not open, or closed for now.",
    "properties": {
        "error": {"enum": ["not_yet_available", "closed_for_now"]},
        "message": {"type": "string"},
        "server_card": {"type": "string", "format": "uri"},
    },
    "required": ["error", "message", "server_card"],
}
SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the shop, or an access token of its issuer. Guests need none.",
    }
}
SCHEMAS: Final[Mapping[str, Any]] = {
    "JsonRpcRequest": REQUEST_SCHEMA,
    "JsonRpcResponse": RESPONSE_SCHEMA,
    "NotOpen": NOT_OPEN_SCHEMA,
    "Problem": PROBLEM_SCHEMA,
}
RETRY_AFTER: Final[Mapping[str, Any]] = {
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}}
}
CHALLENGE: Final[Mapping[str, Any]] = {
    "WWW-Authenticate": {"description": "What is missing (RFC 6750 §3).", "schema": {"type": "string"}}
}


def schema_reference(name: str) -> Mapping[str, Any]:
    """A Reference Object to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _problem(description: str, headers: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    content = {"content": {PROBLEM_TYPE: {"schema": schema_reference("Problem")}}}
    return {"description": description, **({"headers": headers} if headers else {}), **content}


RESPONSES: Final[Mapping[str, Any]] = {
    "Unauthorized": _problem("A credential that does not hold; leave it out to go on as a guest.", CHALLENGE),
    "Forbidden": _problem("A browser origin that may not call, or a credential that does not reach so far.", CHALLENGE),
    "NotFound": _problem("There is no such document now."),
    "TooLarge": _problem("A larger body than is read."),
    "UnsupportedMediaType": _problem("Another media type than application/json, or a body that is compressed."),
    "TooManyRequests": _problem("Asked too often.", RETRY_AFTER),
}


def response_reference(name: str) -> Mapping[str, Any]:
    """A Reference Object to one of `RESPONSES`."""
    return {"$ref": f"#/components/responses/{name}"}


REFUSALS: Final[Mapping[str, str]] = {
    "401": "Unauthorized",
    "403": "Forbidden",
    "413": "TooLarge",
    "415": "UnsupportedMediaType",
    "429": "TooManyRequests",
}
"""How an open endpoint refuses: status → name in `RESPONSES`."""


def components_object(*, opened: bool) -> Mapping[str, Any]:
    """The Components Object for an endpoint that answers, or does not yet: what is referred to, and nothing else."""
    schemas = ("JsonRpcRequest", "JsonRpcResponse", "Problem") if opened else ("JsonRpcRequest", "NotOpen", "Problem")
    responses = ("NotFound", *REFUSALS.values()) if opened else ("NotFound", "TooManyRequests")
    shown = {
        "schemas": {name: SCHEMAS[name] for name in schemas},
        "responses": {name: RESPONSES[name] for name in dict.fromkeys(responses)},
    }
    return {**shown, "securitySchemes": SECURITY_SCHEMES} if opened else shown
