"""Prepare an order that the buyer pays for on a page of the shop."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.account_errors import CustomerCartInUse
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.errors import AddressRefused
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.content import ResourceLink, ValueWithLinks
from storefront_mcp.tools.tool import UnlistedKeyText, tool
from storefront_mcp.tools.tool_context import InputRequired, ToolContext, UrlElicitation, can_open_urls

PAY: Final = "pay"
"""The question to open the payment page."""
NO_ADDRESS: Final = (
    "shipping_address is missing: first_name, last_name, street, city, country, phone, and postcode and region where "
    "the country has them; for a cart that ships nothing billing_address."
)
LATER: Final = (
    "The buyer did not open the payment page now. The order stays open until expires_at: they can still pay at "
    "continue_url. If they do not want it any more, cancel_checkout."
)


class PlaceOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart, for whom, where to and how."""

    cart_id: CartHandle
    email: Annotated[str, Meta(min_length=3, max_length=254, description="The buyer's")]
    shipping_address: Annotated[PostalAddress | None, Meta(description="Whole")] = None
    billing_address: Annotated[
        PostalAddress | None,
        Meta(description="As shipping_address, if it differs", extra_json_schema={"as_text": True}),
    ] = None
    shipping_method: Annotated[str, Meta(max_length=120, description="Code of get_shipping_methods")] = ""
    note: Annotated[str, Meta(max_length=5000, description="To the shop")] = ""
    idempotency_key: UnlistedKeyText = ""
    dry_run: Annotated[bool, Meta(description="Only check and price it")] = False
    as_customer: Annotated[bool | None, Meta(extra_json_schema={"unlisted": True})] = None
    """In the signed-in buyer's name, which is what their permission to check out is for, unless it is false."""

    def draft(self) -> OrderDraft:
        """The order as the shop wants it; the bill goes where the parcel goes unless told otherwise.

        Raises AddressRefused without any address.
        """
        billing_address = self.billing_address or self.shipping_address
        if billing_address is None:
            also = "" if self.shipping_method else " And shipping_method, a code of get_shipping_methods."
            raise AddressRefused(f"{NO_ADDRESS}{also}")
        return OrderDraft(
            email=self.email.strip(),
            shipping_address=self.shipping_address,
            billing_address=billing_address,
            shipping_method=self.shipping_method,
            note=self.note,
        )


@tool(writes=True, repeats=True, limit="order")
async def place_order(
    args: PlaceOrder, shop: Shop, context: ToolContext
) -> ValueWithLinks[CheckoutView] | InputRequired:
    """Prepare an order for the buyer to pay; this charges nothing. Get a yes first, to the totals of a dry_run.

    The buyer pays at its continue_url. Repeats give the same checkout.
    """
    if isinstance(context.state, str):
        shown = await shop.required_checkouts.status(context.state)
    else:
        key, draft = args.idempotency_key or None, args.draft()
        grant = await _customers_grant(args, shop)
        shown = await shop.required_checkouts.place(args.cart_id, draft, key=key, dry_run=args.dry_run, grant=grant)
        if shown.continue_url is not None and PAY not in context.answers and can_open_urls(context):
            page = UrlElicitation(f"Pay {shown.totals.total} at {shop.store.name}", shown.continue_url)
            return InputRequired(questions={PAY: page}, state=shown.checkout_id)
    return _with_page_link(_after_answer(shown, context.answers.get(PAY)))


async def _customers_grant(args: PlaceOrder, shop: Shop) -> str:
    """What lets the order be in the buyer's name, with the cart made theirs; empty for the order of a guest.

    Raises CustomerCartInUse while the buyer's own cart at the shop has something in it.
    """
    customer = shop.customer
    if customer is None or "checkout" not in customer.scopes or args.as_customer is False:
        return ""
    waiting = await (await customer.account()).cart_lines()
    if waiting:
        raise CustomerCartInUse(waiting)
    if not args.dry_run:
        await shop.carts.claim(args.cart_id)
    return customer.grant


def _after_answer(shown: CheckoutView, answer: Any) -> CheckoutView:  # noqa: ANN401 -- anything a client may send
    """Where the checkout stands after the buyer was asked; "accept" means that they went there, not that they paid."""
    refused = isinstance(answer, dict) and answer.get("action") in {"decline", "cancel"}
    return replace(shown, next_step=LATER) if refused and shown.status == "requires_escalation" else shown


def _with_page_link(shown: CheckoutView) -> ValueWithLinks[CheckoutView]:
    """The result, with the payment page beside it while there is something to pay."""
    url = shown.continue_url
    return ValueWithLinks(
        shown, () if url is None else (ResourceLink(uri=url, name="Payment page", mime_type="text/html"),)
    )
