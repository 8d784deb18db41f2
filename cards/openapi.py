"""`/openapi.json` (OpenAPI 3.1): the HTTP surface, read off the documents themselves so that it cannot drift."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from cards.beside.connecting import CONNECTING
from cards.clients import CLIENTS
from cards.form import LINK, OURS, SCHEMA, TEXT, Member, as_known, form, matching
from cards.wording import description, version
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, Complaint
from storefront_mcp.roadmap.roadmap import Roadmap

OPENAPI_PATH: Final = "/openapi.json"
OPENAPI_TYPE: Final = "application/vnd.oai.openapi+json;version=3.1"

SCHEMAS: Final[Mapping[str, Any]] = {
    "JsonRpcMessage": {
        "type": "object",
        "description": "A JSON-RPC 2.0 request, notification or response of the Model Context Protocol.",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": {"type": ["string", "integer", "null"]},
            "method": {"type": "string"},
            "params": {"type": "object"},
            "result": {"type": "object"},
            "error": {
                "type": "object",
                "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
                "required": ["code", "message"],
            },
        },
        "required": ["jsonrpc"],
    },
    "NotYetAvailable": {
        "type": "object",
        "description": "The answer of an endpoint that is announced but not open.",
        "properties": {
            "error": {"const": "not_yet_available"},
            "message": {"type": "string"},
            "server_card": {"type": "string", "format": "uri"},
        },
        "required": ["error", "message", "server_card"],
    },
}


class Content(Struct, frozen=True, omit_defaults=True):
    """A body of one media type (Media Type Object)."""

    schema: Mapping[str, Any] | None = None


class Body(Struct, frozen=True, kw_only=True):
    """What is sent (Request Body Object)."""

    required: bool
    content: Mapping[str, Content]


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What comes back (Response Object)."""

    description: str
    headers: Mapping[str, Any] = {}
    content: Mapping[str, Content] = {}


class Parameter(Struct, frozen=True, kw_only=True):
    """A value in the query (Parameter Object)."""

    name: str
    located: Literal["query"] = field(name="in")
    description: str
    schema: Mapping[str, Any]


class Operation(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One method of one path (Operation Object)."""

    operation_id: str
    summary: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    request_body: Body | None = None
    responses: Mapping[str, Answer]


class Contract(Struct, frozen=True, kw_only=True):
    """Whose API this is (Info Object)."""

    title: str
    version: str
    description: str


class Link(Struct, frozen=True):
    """An address (Server Object, External Documentation Object)."""

    url: str


class OpenApi(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document (OpenAPI Object)."""

    openapi: str
    info: Contract
    servers: tuple[Link, ...]
    external_docs: Link | None = field(name="externalDocs", default=None)
    paths: Mapping[str, Mapping[str, Operation]]
    components: Mapping[str, Any]


def openapi_card(documents: Sequence[Card]) -> Card:
    """The card that describes `documents` (those that exist in the store's state), the endpoint and itself."""

    def render(store: Store, roadmap: Roadmap) -> bytes:
        served = [card for card in documents if card.render(store, roadmap) is not None]
        paths = {"/mcp": {"post": _call(roadmap)}, "/healthz": {"get": HEALTH}}
        for document in (*served, card):
            for number, path in enumerate(document.paths):
                paths[path] = {"get": _read(document, number)}
        return pretty(
            OpenApi(
                openapi="3.1.0",
                info=Contract(
                    title=store.title, version=version(store, roadmap), description=description(store, roadmap)
                ),
                servers=(Link(store.origin),),
                external_docs=None if store.documentation is None else Link(store.documentation),
                paths=paths,
                components={"schemas": SCHEMAS},
            )
        )

    card = Card(
        name="openapi",
        paths=(OPENAPI_PATH,),
        media_type=OPENAPI_TYPE,
        render=render,
        form=form(
            Member("openapi", matching(r"3\.1\.\d+", "the OpenAPI version of its media type")),
            Member("info.title", TEXT, "store.name"),
            Member("info.version", TEXT, "store.version"),
            Member("info.description", TEXT, "store.description"),
            Member("servers[].url", as_known(lambda store, _: store.origin, "the store's own origin")),
            Member("externalDocs.url", LINK, "store.documentation", optional=True),
            *(Member(f"components.schemas.{name}", SCHEMA) for name in SCHEMAS),
            _described,
        ),
    )
    return card


def _described(document: Any, _store: Store, _roadmap: Roadmap) -> Iterator[Complaint]:  # noqa: ANN401 -- JSON
    """Whether the endpoint is there, and each operation has a name of its own and says what it answers."""
    try:
        paths = msgspec.convert(document.get("paths"), dict[str, dict[str, dict[str, Any]]])
    except msgspec.ValidationError:
        yield Complaint("paths are not operations by path and method.", OURS)
        return
    operations = [one for methods in paths.values() for one in methods.values()]
    if "post" not in paths.get("/mcp", {}):
        yield Complaint("paths do not say that /mcp takes POST.", OURS)
    if len({str(one.get("operationId")) for one in operations}) < len(operations):
        yield Complaint("Several operations have the same operationId.", OURS)
    if not all(one.get("responses") for one in operations):
        yield Complaint("An operation does not say what it answers.", OURS)


def _called(schema: str) -> Content:
    return Content({"$ref": f"#/components/schemas/{schema}"})


def _call(roadmap: Roadmap) -> Operation:
    """`POST /mcp`, as it answers in this state."""
    message = _called("JsonRpcMessage")
    if roadmap.open:
        answers = {
            "200": Answer(
                description="The response, or a stream that ends with it.",
                content={JSON: message, "text/event-stream": Content({"type": "string"})},
            ),
            "202": Answer(description="A notification was taken."),
            "400": Answer(description="Not a message that can be understood.", content={JSON: message}),
            "403": Answer(description="A browser origin that may not call."),
        }
    else:
        retry = {
            "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}}
        }
        answers = {
            "503": Answer(
                description="Announced, not open yet.", headers=retry, content={JSON: _called("NotYetAvailable")}
            )
        }
    return Operation(
        operation_id="call_mcp",
        summary="Speak MCP over Streamable HTTP" + ("" if roadmap.open else " (not open yet)"),
        tags=("mcp",),
        request_body=Body(required=True, content={JSON: message}),
        responses=answers,
    )


def _read(card: Card, number: int) -> Operation:
    """`GET` of a document; `number` is 0 for its own address and counts its aliases."""
    words = card.name.replace("-", " ")
    text = Content({"type": "string"})
    kinds = (card.media_type, *card.alternates)
    return Operation(
        operation_id="_".join(["read", *words.split(), *([f"alias{number}"] if number else [])]),
        summary=f"Read the {words} document" + (f", also at {card.paths[0]}" if number else ""),
        tags=("discovery",),
        parameters=QUERIES.get(card.name, ()),
        responses={
            "200": Answer(
                description="The document.",
                content={kind: Content({"type": "object"}) if "json" in kind else text for kind in kinds},
            ),
            "304": Answer(description="Unchanged since the ETag that was sent."),
        },
    )


QUERIES: Final[Mapping[str, tuple[Parameter, ...]]] = {
    CONNECTING.name: (
        Parameter(
            name="client",
            located="query",
            description="One client: then the answer is what goes into that client's own file, in its own format.",
            schema={"type": "string", "enum": [name for each in CLIENTS for name in (each.id, *each.aliases)]},
        ),
    ),
}
"""Documents that a query chooses among, by name."""

HEALTH: Final = Operation(
    operation_id="read_health",
    summary="Ask whether the server is up",
    tags=("operations",),
    responses={"200": Answer(description="It is.", content={JSON: Content({"type": "object"})})},
)
