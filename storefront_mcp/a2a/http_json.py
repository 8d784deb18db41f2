"""The HTTP+JSON binding of version 1.0: paths and queries as operations and their parameters."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind, invalid_params
from storefront_mcp.a2a.request_decoding import decode_body
from storefront_mcp.a2a.versions import Operation

MEDIA_TYPE: Final = b"application/a2a+json"
MAX_FIELDS: Final = 20
NUMBERS: Final = frozenset({"pageSize", "historyLength"})
BOOLEANS: Final = frozenset({"includeArtifacts"})


class HttpOperation(Struct, frozen=True, kw_only=True):
    """An operation and its parameters."""

    operation: Operation
    params: Any


class HttpRoute(Struct, frozen=True, kw_only=True):
    """Where an operation is asked for."""

    path: re.Pattern[str]
    operation: Operation
    methods: tuple[str, ...] = ("GET",)
    reads_body: bool = False


_TASK: Final = r"/tasks/(?P<id>[^/:]{1,200})"
ROUTES: Final = (
    HttpRoute(path=re.compile("/message:send"), operation="send", methods=("POST",), reads_body=True),
    HttpRoute(path=re.compile("/message:stream"), operation="stream", methods=("POST",), reads_body=True),
    HttpRoute(path=re.compile("/tasks"), operation="list"),
    HttpRoute(path=re.compile(_TASK), operation="get"),
    HttpRoute(path=re.compile(f"{_TASK}:cancel"), operation="cancel", methods=("POST",)),
    # The specification's table says POST, its service definition GET.
    HttpRoute(path=re.compile(f"{_TASK}:subscribe"), operation="subscribe", methods=("GET", "POST")),
    HttpRoute(
        path=re.compile(f"{_TASK}/pushNotificationConfigs(?:/[^/]{{1,200}})?"),
        operation="push",
        methods=("GET", "POST", "DELETE"),
    ),
    HttpRoute(path=re.compile("/extendedAgentCard"), operation="extended_card"),
)


def http_operation(method: str, path: str, query: bytes, body: bytes) -> HttpOperation:
    """What a request asks for; `path` is below `REST_PATH`. Raises A2aError."""
    for route in ROUTES:
        found = route.path.fullmatch(path.rstrip("/"))
        if found is None:
            continue
        if method not in route.methods:
            message = f"This takes {' or '.join(route.methods)}."
            raise A2aError(A2aErrorKind.METHOD_NOT_ALLOWED, message, allowed=route.methods)
        params = decode_body(body) if route.reads_body else _query(query) | found.groupdict()
        return HttpOperation(operation=route.operation, params=params)
    raise A2aError(A2aErrorKind.METHOD_NOT_FOUND, "There is no such operation.")


def http_result(result: Any) -> bytes:  # noqa: ANN401 -- JSON
    """The body of a result."""
    return msgspec.json.encode(result)


def http_error(error: A2aError) -> bytes:
    """The body of an error, as `google.rpc.Status` (AIP-193)."""
    told = {
        "code": int(error.kind.http_status),
        "status": error.kind.rpc_status,
        "message": str(error),
        "details": error.details(),
    }
    return msgspec.json.encode({"error": told})


def query_value(query: bytes, name: str) -> str:
    """The first value of a member of the query, in whatever case; empty where there is none."""
    return next((value for sent, value in _pairs(query) if sent.lower() == name), "")


def _query(query: bytes) -> dict[str, Any]:
    return {name: _query_member(name, value) for name, value in _pairs(query)}


def _query_member(name: str, value: str) -> str | int | bool:
    if name in NUMBERS:
        if not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
            raise invalid_params(f"{name}: wanted an integer.")
        return int(value)
    if name in BOOLEANS:
        if value not in {"true", "false"}:
            raise invalid_params(f"{name}: wanted true or false.")
        return value == "true"
    return value


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise invalid_params("The query cannot be read.") from None
