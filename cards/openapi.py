"""`/openapi.json` (OpenAPI 3.1): the HTTP surface, generated from the cards."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from storefront_mcp.cards.clients import CLIENTS
from storefront_mcp.cards.endpoint.client_config import CLIENT_CONFIG, MEDIA
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.openapi_components import (
    REFUSALS,
    RETRY_AFTER,
    components_object,
    response_reference,
    schema_reference,
)
from storefront_mcp.cards.phrases import server_version, store_description
from storefront_mcp.cards.rules.json_rules import (
    LINK,
    OUR_FAULT_TEXT,
    SCHEMA,
    TEXT,
    MemberRule,
    equals_known,
    json_validator,
    matches_pattern,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap

OPENAPI_PATH: Final = "/openapi.json"
OPENAPI_TYPE: Final = "application/vnd.oai.openapi+json;version=3.1"


class MediaTypeObject(Struct, frozen=True, omit_defaults=True):
    """A body of one media type (Media Type Object)."""

    schema: Mapping[str, Any] | None = None


class RequestBody(Struct, frozen=True, kw_only=True):
    """A request body (Request Body Object)."""

    required: bool
    content: Mapping[str, MediaTypeObject]


class ResponseObject(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A response that one operation alone has (Response Object)."""

    description: str
    headers: Mapping[str, Any] = {}
    content: Mapping[str, MediaTypeObject] = {}


class ParameterObject(Struct, frozen=True, kw_only=True):
    """A query parameter (Parameter Object)."""

    name: str
    located: Literal["query"] = field(name="in")
    description: str
    schema: Mapping[str, Any]


class OperationObject(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One method of one path (Operation Object)."""

    operation_id: str
    summary: str
    description: str
    tags: tuple[str, ...]
    parameters: tuple[ParameterObject, ...] = ()
    request_body: RequestBody | None = None
    responses: Mapping[str, ResponseObject | Mapping[str, Any]]
    security: tuple[Mapping[str, tuple[str, ...]], ...]
    """Alternatives; an empty one means that no credential is needed."""


class ApiDescription(Struct, frozen=True, kw_only=True):
    """Whose API this is (Info Object)."""

    title: str
    version: str
    description: str
    contact: Mapping[str, str]


class TagObject(Struct, frozen=True):
    """A group of operations (Tag Object)."""

    name: str
    description: str


class UrlObject(Struct, frozen=True):
    """An address (Server Object, External Documentation Object)."""

    url: str


class OpenApi(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document (OpenAPI Object)."""

    openapi: str
    info: ApiDescription
    servers: tuple[UrlObject, ...]
    tags: tuple[TagObject, ...]
    external_docs: UrlObject | None = field(name="externalDocs", default=None)
    paths: Mapping[str, Mapping[str, OperationObject]]
    components: Mapping[str, Any]


def openapi_card(documents: Sequence[Card]) -> Card:
    """The card that describes `documents` (those that exist in the store's state), the endpoint and itself."""

    def render(store: Store, roadmap: Roadmap) -> bytes:
        served = [card for card in documents if card.render(store, roadmap) is not None]
        endpoint = {"post": _call(roadmap), **({"delete": END_SESSION} if roadmap.answers else {})}
        paths = {"/mcp": endpoint, "/healthz": {"get": HEALTH}}
        for document in (*served, card):
            addresses = document.paths_of(store)
            for number, path in enumerate(addresses):
                paths[path] = {"get": _read(document, number, addresses[0])}
        return pretty_json(
            OpenApi(
                openapi="3.1.0",
                info=ApiDescription(
                    title=store.title,
                    version=server_version(store, roadmap),
                    description=store_description(store, roadmap),
                    contact={"name": store.name, "url": store.website_url},
                ),
                servers=(UrlObject(store.origin),),
                tags=TAGS,
                external_docs=None if store.documentation is None else UrlObject(store.documentation),
                paths=paths,
                components=components_object(opened=roadmap.answers),
            )
        )

    card = Card(
        name="openapi",
        paths=(OPENAPI_PATH,),
        media_type=OPENAPI_TYPE,
        page_entry=PageEntry("OpenAPI", "the HTTP surface"),
        render=render,
        validate=json_validator(
            MemberRule("openapi", matches_pattern(r"3\.1\.\d+", "the OpenAPI version of its media type")),
            MemberRule("info.title", TEXT, "store.name"),
            MemberRule("info.version", TEXT, "store.version"),
            MemberRule("info.description", TEXT, "store.description"),
            MemberRule("servers[].url", equals_known(lambda store, _: store.origin, "the store's own origin")),
            MemberRule("externalDocs.url", LINK, "store.documentation", optional=True),
            MemberRule("components.schemas.JsonRpcRequest", SCHEMA),
            MemberRule("components.schemas.Problem", SCHEMA),
            _check_operations,
        ),
    )
    return card


def _check_operations(document: Any, _store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
    """The endpoint must be listed, and each operation have a unique id and responses."""
    try:
        paths = msgspec.convert(document.get("paths"), dict[str, dict[str, dict[str, Any]]])
    except msgspec.ValidationError:
        yield DocumentIssue("paths are not operations by path and method.", OUR_FAULT_TEXT)
        return
    operations = [one for methods in paths.values() for one in methods.values()]
    if "post" not in paths.get("/mcp", {}):
        yield DocumentIssue("paths do not say that /mcp takes POST.", OUR_FAULT_TEXT)
    if len({str(one.get("operationId")) for one in operations}) < len(operations):
        yield DocumentIssue("Several operations have the same operationId.", OUR_FAULT_TEXT)
    if not all(one.get("responses") for one in operations):
        yield DocumentIssue("An operation does not say what it answers.", OUR_FAULT_TEXT)


def _schema_content(schema: str) -> MediaTypeObject:
    return MediaTypeObject(schema_reference(schema))


def _call(roadmap: Roadmap) -> OperationObject:
    """`POST /mcp`, as it answers in this state."""
    message = _schema_content("JsonRpcResponse")
    answers: Mapping[str, ResponseObject | Mapping[str, Any]]
    if roadmap.answers:
        answers = {
            "200": ResponseObject(
                description="The response, or a stream that ends with it.",
                content={JSON_TYPE: message, "text/event-stream": MediaTypeObject({"type": "string"})},
            ),
            "202": ResponseObject(description="A notification was taken."),
            "400": ResponseObject(description="Not a message that can be understood.", content={JSON_TYPE: message}),
            "404": ResponseObject(description="There is no such method.", content={JSON_TYPE: message}),
            **{status: response_reference(name) for status, name in REFUSALS.items()},
        }
    else:
        answers = {
            "503": ResponseObject(
                description="Announced, not open yet." if roadmap.pause is None else roadmap.pause.sentences,
                headers=RETRY_AFTER,
                content={JSON_TYPE: _schema_content("NotOpen")},
            ),
            "429": response_reference("TooManyRequests"),
        }
    return OperationObject(
        operation_id="call_mcp",
        summary="Speak MCP over Streamable HTTP" + MARKS[roadmap.condition],
        description="One JSON-RPC message of the Model Context Protocol in each request. There are no sessions.",
        tags=("mcp",),
        request_body=RequestBody(required=True, content={JSON_TYPE: _schema_content("JsonRpcRequest")}),
        responses=answers,
        security=({}, {"bearer": ()}) if roadmap.answers else OPEN_TO_ALL,
    )


def _read(card: Card, number: int, canonical: str) -> OperationObject:
    """`GET` of a document; `number` is 0 for its `canonical` path and counts its aliases."""
    words = card.name.replace("-", " ")
    text = MediaTypeObject({"type": "string"})
    kinds = (card.media_type, *card.alternates, *MORE_TYPES.get(card.name, ()))
    missing = {"404": response_reference("NotFound")} if card.name in QUERIES else {}
    said = card.page_entry.note if card.page_entry is not None else f"the {words} document"
    return OperationObject(
        operation_id="_".join(["read", *words.split(), *([f"alias{number}"] if number else [])]),
        summary=f"Read the {words} document" + (f", also at {canonical}" if number else ""),
        description=f"{said[0].upper()}{said[1:]}.",
        tags=("discovery",),
        parameters=QUERIES.get(card.name, ()),
        responses={
            "200": ResponseObject(
                description="The document.",
                content={kind: MediaTypeObject({"type": "object"}) if "json" in kind else text for kind in kinds},
            ),
            "304": ResponseObject(description="Unchanged since the ETag that was sent."),
            **missing,
            "429": response_reference("TooManyRequests"),
        },
        security=OPEN_TO_ALL,
    )


OPEN_TO_ALL: Final[tuple[Mapping[str, tuple[str, ...]], ...]] = ({},)
TAGS: Final = (
    TagObject("mcp", "The endpoint of the Model Context Protocol."),
    TagObject("discovery", "Documents that say what there is."),
    TagObject("operations", "For whoever runs the server."),
)
MARKS: Final[Mapping[Condition, str]] = {"active": "", "paused": " (closed for now)", "planned": " (not open yet)"}
"""What the summary of `POST /mcp` ends with."""
QUERIES: Final[Mapping[str, tuple[ParameterObject, ...]]] = {
    CLIENT_CONFIG.name: (
        ParameterObject(
            name="client",
            located="query",
            description="One client: then the answer is what goes into that client's own file, in its own format.",
            schema={"type": "string", "enum": [name for each in CLIENTS for name in (each.id, *each.aliases)]},
        ),
    ),
}
"""Query parameters of documents that have any, by the card's name."""
MORE_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    CLIENT_CONFIG.name: tuple(kind for kind in MEDIA.values() if kind != CLIENT_CONFIG.media_type)
}
"""Media types of a document that a query parameter chooses, by the card's name."""

END_SESSION: Final = OperationObject(
    operation_id="end_mcp_session",
    summary="End a session",
    description="There is none to end; older clients ask for it and expect success.",
    tags=("mcp",),
    responses={
        "200": ResponseObject(description="As if it had been."),
        "401": response_reference("Unauthorized"),
        "429": response_reference("TooManyRequests"),
    },
    security=({}, {"bearer": ()}),
)
HEALTH: Final = OperationObject(
    operation_id="read_health",
    summary="Ask whether the server is up",
    description="It answers as long as the process does, whatever the shop's state.",
    tags=("operations",),
    responses={
        "200": ResponseObject(description="It is.", content={JSON_TYPE: MediaTypeObject({"type": "object"})}),
        "429": response_reference("TooManyRequests"),
    },
    security=OPEN_TO_ALL,
)
