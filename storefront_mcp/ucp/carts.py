"""Cart operations: create_cart, get_cart, update_cart and cancel_cart."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from storefront_mcp.agent_protocols.ucp import CART, DISCOUNT
from storefront_mcp.calls.error_texts import without_tool_names
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions import SessionProblem, WantedLine, replace_cart_lines
from storefront_mcp.checkout_sessions.unconfigured_items import page_with_items
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.store import Store
from storefront_mcp.ucp.failures import UcpOutcome
from storefront_mcp.ucp.messages import UcpMessage, warning_message
from storefront_mcp.ucp.policies import ShopPolicies
from storefront_mcp.ucp.problem_messages import problem_messages
from storefront_mcp.ucp.purchase_shapes import (
    CartAnswer,
    CartRequest,
    NoPayload,
    UcpLink,
    WantedDiscounts,
    WantedUcpLine,
)
from storefront_mcp.ucp.request import UcpRequest
from storefront_mcp.ucp.totals import cart_totals, discounts_of, line_items

LINK_WORDS: Final = (
    ("privacy_policy", ("privacy",)),
    ("terms_of_service", ("terms", "conditions")),
    ("refund_policy", ("return", "refund")),
    ("shipping_policy", ("shipping", "delivery")),
    ("faq", ("faq",)),
)
"""Kinds of pages, and words in the identifiers of the shop's own that tell them."""

CartPage = Callable[[ToolRunner, CartId], str | None]
"""The URL of a page with a cart; None where there is none."""


class CartOperations:
    """The cart operations of one store."""

    def __init__(self, page: CartPage, policies: ShopPolicies) -> None:
        self._page = page
        self._policies = policies

    async def create(self, request: UcpRequest, wanted: CartRequest) -> CartAnswer:
        """create_cart: a cart with these lines and codes."""
        lines = wanted_lines(wanted.line_items)
        cart: Cart = await request.runner.run("create_cart")
        return await self._replace(request, cart.cart_id, lines, codes_of(wanted.discounts))

    async def read(self, request: UcpRequest, _: NoPayload) -> CartAnswer:
        """get_cart: the cart as it is."""
        cart: Cart = await request.runner.run("view_cart", cart_id=request.id)
        return await self._answer(request, cart)

    async def update(self, request: UcpRequest, wanted: CartRequest) -> CartAnswer:
        """update_cart: the cart with these lines and no others; codes stay where none are sent."""
        return await self._replace(request, request.id, wanted_lines(wanted.line_items), codes_of(wanted.discounts))

    async def cancel(self, request: UcpRequest, _: NoPayload) -> CartAnswer:
        """cancel_cart: the cart as it was; from then on there is none."""
        runner, handle = request.runner, CartId(request.id)
        cart: Cart = await runner.run("view_cart", cart_id=handle)
        # By the tools, so that a payment page of it closes, and what was paid for stays.
        await replace_cart_lines(runner, handle, (), None)
        await runner.shop.carts.discard(handle)
        return await self._answer(request, cart)

    async def _replace(
        self, request: UcpRequest, cart_id: str, lines: Sequence[WantedLine], codes: tuple[str, ...] | None
    ) -> CartAnswer:
        cart, problems = await replace_cart_lines(request.runner, cart_id, lines, codes)
        return await self._answer(request, cart, codes, problems)

    async def _answer(
        self,
        request: UcpRequest,
        cart: Cart,
        codes: tuple[str, ...] | None = None,
        problems: Sequence[SessionProblem] = (),
    ) -> CartAnswer:
        runner = request.runner
        held = (cart.coupon,) if cart.coupon else ()
        return CartAnswer(
            ucp=request.metadata(CART, DISCOUNT),
            id=cart.cart_id,
            line_items=line_items(cart),
            currency=cart.totals.total.currency,
            totals=cart_totals(cart.totals, cart.coupon),
            discounts=discounts_of(cart, held if codes is None else codes),
            messages=(*problem_messages(problems, cart), *cart_notices(cart)),
            links=shop_links(runner.shop.store),
            policies=await self._policies.of(request),
            continue_url=page_with_items(self._page(runner, cart.cart_id), problems),
            expires_at=full_timestamp(cart.expires_at),
        )


def wanted_lines(lines: Sequence[WantedUcpLine]) -> tuple[WantedLine, ...]:
    """The lines as the store's core takes them. Raises UcpOutcome for a line that is counted in a unit."""
    for place, line in enumerate(lines):
        if line.quantity_unit is not None or line.item.quantity_unit is not None:
            text = "This shop sells whole pieces: send quantity without quantity_unit."
            raise UcpOutcome("quantity_unit_mismatch", text, "recoverable", f"$.line_items[{place}].quantity_unit")
    return tuple(WantedLine(sku=line.item.id, quantity=line.quantity, line_id=line.id) for line in lines)


def codes_of(discounts: WantedDiscounts | None) -> tuple[str, ...] | None:
    """The codes that were sent, without blank ones; None where none were, which leaves them as they are."""
    if discounts is None or discounts.codes is None:
        return None
    return tuple(code.strip() for code in discounts.codes if code.strip())


def cart_notices(cart: Cart) -> Iterator[UcpMessage]:
    """What the buyer should hear about a cart."""
    if cart.notice is not None and (told := without_tool_names(cart.notice)):
        yield warning_message("cart_notice", told)


def shop_links(store: Store) -> tuple[UcpLink, ...]:
    """The pages that a buyer may want to read before buying."""
    found = {} if store.privacy_policy is None else {"privacy_policy": store.privacy_policy}
    for kind, words in LINK_WORDS:
        page = next((page for page in store.pages if any(word in page for word in words)), None)
        if page is not None:
            found.setdefault(kind, store.url(f"/{page}"))
    return tuple(UcpLink(type=kind, url=url) for kind, url in found.items())


def full_timestamp(text: str | None) -> str | None:
    """An instant with seconds, as RFC 3339 wants them."""
    return f"{text[:-1]}:00Z" if text is not None and text.count(":") == 1 else text
