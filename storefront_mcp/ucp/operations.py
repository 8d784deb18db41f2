"""The operations: what each takes, which capability it belongs to, and where REST has it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from storefront_mcp.agent_protocols.ucp import (
    CAPABILITIES_BY_NAME,
    CART,
    CHECKOUT,
    LOOKUP,
    SEARCH,
    UcpCapability,
    UcpRelease,
)
from storefront_mcp.calls.errors import CallError
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.store import Store
from storefront_mcp.ucp.carts import CartOperations
from storefront_mcp.ucp.catalog import CatalogOperations
from storefront_mcp.ucp.catalog_shapes import LookupRequest, ProductRequest, SearchRequest
from storefront_mcp.ucp.checkouts import CheckoutOperations
from storefront_mcp.ucp.encoding import EncodedAnswer, encode_answer
from storefront_mcp.ucp.failures import (
    UNREADABLE,
    UcpOutcome,
    UcpRefusal,
    invalid_input,
    refusal_of,
    unreadable_payload,
)
from storefront_mcp.ucp.messages import outcome_envelope
from storefront_mcp.ucp.purchase_shapes import CartRequest, CheckoutRequest, CompleteRequest, NoPayload
from storefront_mcp.ucp.replays import run_once
from storefront_mcp.ucp.request import UcpRequest


class UcpOperation(Struct, frozen=True, kw_only=True):
    """One operation."""

    name: str
    """The name of its tool on MCP."""
    summary: str
    capability: UcpCapability
    """It is open while this is, unless it `outlives` a pause."""
    outlives: tuple[str, ...] = ()
    """Tools that are enough for it: they go on for what was prepared before a pause."""
    member: Literal["catalog", "cart", "checkout", ""] = ""
    """The argument that holds its object on MCP; empty where it takes none."""
    takes_id: bool = False
    changes: bool = False
    """Whether it changes something, so that a repeat under the same idempotency key is answered as before."""
    repeats: bool = False
    """Whether it may run again where the outcome of the first time is not known."""
    needs_key: bool = False
    """Whether an idempotency key is required."""
    shape: type[Struct]
    run: Callable[[UcpRequest, Any], Awaitable[Struct]]
    method: Literal["GET", "POST", "PUT"]
    path: str
    """Below the release's mount; `{id}` stands for the id."""
    status: int = 200
    """Of success over REST."""

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools without which it is closed."""
        return self.outlives or self.capability.tools


def operations_of(
    catalog: CatalogOperations, carts: CartOperations, checkouts: CheckoutOperations | None
) -> Mapping[str, UcpOperation]:
    """Every operation by its name; without checkouts where nothing can be paid."""
    found = (
        *_catalog_operations(catalog),
        *_cart_operations(carts),
        *(() if checkouts is None else _checkout_operations(checkouts)),
    )
    return {operation.name: operation for operation in found}


def _catalog_operations(catalog: CatalogOperations) -> tuple[UcpOperation, ...]:
    return (
        UcpOperation(
            name="search_catalog",
            summary="Search the catalog by words, categories and price.",
            capability=CAPABILITIES_BY_NAME[SEARCH],
            member="catalog",
            shape=SearchRequest,
            run=catalog.search,
            method="POST",
            path="/catalog/search",
        ),
        UcpOperation(
            name="lookup_catalog",
            summary="Read products by ids of products or variants.",
            capability=CAPABILITIES_BY_NAME[LOOKUP],
            member="catalog",
            shape=LookupRequest,
            run=catalog.lookup,
            method="POST",
            path="/catalog/lookup",
        ),
        UcpOperation(
            name="get_product",
            summary="Read one product in full, under selected options.",
            capability=CAPABILITIES_BY_NAME[LOOKUP],
            member="catalog",
            shape=ProductRequest,
            run=catalog.product,
            method="POST",
            path="/catalog/product",
        ),
    )


def _cart_operations(carts: CartOperations) -> tuple[UcpOperation, ...]:
    capability = CAPABILITIES_BY_NAME[CART]
    return (
        UcpOperation(
            name="create_cart",
            summary="Make a cart of lines, with discount codes.",
            capability=capability,
            member="cart",
            changes=True,
            shape=CartRequest,
            run=carts.create,
            method="POST",
            path="/carts",
            status=201,
        ),
        UcpOperation(
            name="get_cart",
            summary="Read a cart.",
            capability=capability,
            takes_id=True,
            shape=NoPayload,
            run=carts.read,
            method="GET",
            path="/carts/{id}",
        ),
        UcpOperation(
            name="update_cart",
            summary="Replace the lines of a cart, and its discount codes where any are sent.",
            capability=capability,
            member="cart",
            takes_id=True,
            changes=True,
            repeats=True,
            shape=CartRequest,
            run=carts.update,
            method="PUT",
            path="/carts/{id}",
        ),
        UcpOperation(
            name="cancel_cart",
            summary="Give a cart up; it is gone then.",
            capability=capability,
            takes_id=True,
            changes=True,
            repeats=True,
            needs_key=True,
            shape=NoPayload,
            run=carts.cancel,
            method="POST",
            path="/carts/{id}/cancel",
        ),
    )


def _checkout_operations(checkouts: CheckoutOperations) -> tuple[UcpOperation, ...]:
    capability = CAPABILITIES_BY_NAME[CHECKOUT]
    return (
        UcpOperation(
            name="create_checkout",
            summary="Begin a checkout of lines or of a cart; what is missing comes back as messages.",
            capability=capability,
            member="checkout",
            changes=True,
            shape=CheckoutRequest,
            run=checkouts.create,
            method="POST",
            path="/checkout-sessions",
            status=201,
        ),
        UcpOperation(
            name="get_checkout",
            summary="Read a checkout, and its order once the buyer has paid.",
            capability=capability,
            outlives=("get_order_status",),
            takes_id=True,
            shape=NoPayload,
            run=checkouts.read,
            method="GET",
            path="/checkout-sessions/{id}",
        ),
        UcpOperation(
            name="update_checkout",
            summary="Replace the lines of a checkout; add buyer, destination, shipping option and codes.",
            capability=capability,
            member="checkout",
            takes_id=True,
            changes=True,
            repeats=True,
            shape=CheckoutRequest,
            run=checkouts.update,
            method="PUT",
            path="/checkout-sessions/{id}",
        ),
        UcpOperation(
            name="complete_checkout",
            summary="Ask to complete a checkout: the buyer pays at continue_url, so the answer says where it stands.",
            capability=capability,
            member="checkout",
            takes_id=True,
            changes=True,
            repeats=True,
            needs_key=True,
            shape=CompleteRequest,
            run=checkouts.complete,
            method="POST",
            path="/checkout-sessions/{id}/complete",
        ),
        UcpOperation(
            name="cancel_checkout",
            summary="Give a checkout up and close its payment page.",
            capability=capability,
            outlives=("get_order_status", "cancel_checkout"),
            takes_id=True,
            changes=True,
            repeats=True,
            needs_key=True,
            shape=NoPayload,
            run=checkouts.cancel,
            method="POST",
            path="/checkout-sessions/{id}/cancel",
        ),
    )


OUTCOME_MARK: Final = b'"status":"error"'
MAX_MARK_BYTES: Final = 60
"""Within which the mark of an outcome stands."""


def is_outcome(answer: EncodedAnswer) -> bool:
    """Whether an answer is an outcome without an object."""
    return OUTCOME_MARK in answer.head[:MAX_MARK_BYTES]


async def run_operation(operation: UcpOperation, request: UcpRequest) -> EncodedAnswer:
    """The answer: an object, or an outcome without one. Raises UcpFailure."""
    try:
        wanted = msgspec.json.decode(request.payload, type=operation.shape)
    except msgspec.ValidationError as error:
        raise invalid_input(str(error)) from None
    except UNREADABLE:
        raise unreadable_payload() from None

    async def run() -> bytes:
        return encode_answer(await operation.run(request, wanted)).body()

    try:
        if not operation.changes:
            return encode_answer(await operation.run(request, wanted))
        return EncodedAnswer(await run_once(operation.name, request, run, repeats=operation.repeats))
    except UcpOutcome as outcome:
        refusal: UcpRefusal = outcome
    except (CallError, ShopError) as error:
        refusal = refusal_of(error)
    if not isinstance(refusal, UcpOutcome):
        raise refusal
    return encode_outcome(refusal, request.runner.shop.store, request.release)


def encode_outcome(outcome: UcpOutcome, store: Store, release: UcpRelease) -> EncodedAnswer:
    """An outcome without an object."""
    return encode_answer(outcome_envelope(outcome, release.id, store.website_url))
