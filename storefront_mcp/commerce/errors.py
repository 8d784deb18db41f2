"""Everything that can go wrong in a shop, said in the shop's words.

ShopError
├── ProductNotFound
├── CategoryNotFound
├── PageNotFound
├── CursorRefused
├── CartNotFound        the handle is not one of ours, or its life is over
├── CartGone            the handle is ours, the shop no longer has the cart
├── LineNotFound
├── OutOfStock
├── NotEnoughStock
├── VariantNeeded       carries the variants to choose from
├── OptionsNeeded       carries the options to fill in
├── QuantityRefused
├── CouponRejected
├── GiftCardRejected
├── CountryNotServed
├── AddressRefused
├── CartEmpty
├── ShippingMethodRefused  carries the methods to choose from
├── OrderRefused        the shop took no order, surely
├── EmailRefused
├── NoWayToPay
├── TotalRefused        the payment provider does not take this amount
├── CheckoutNotFound
├── CartBeingOrdered    paid, so neither the cart nor the checkout can be changed any more
├── CartOrdered         the cart became an order here
├── KeyReused           the idempotency key belongs to another wish
├── PaymentDown         the payment provider does not answer
├── ShopBusy            the shop counts requests and wants a pause
├── ShopRefused         the shop said no for a reason of its own
└── ShopDown
    ├── ShopOutcomeUnknown     a write may or may not have happened
    └── ShopMisconfigured
"""

from collections.abc import Sequence
from typing import Final

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.error_details import LostCartDetail, ServedCountries, ShippingOffers, VariantChoices
from storefront_mcp.commerce.product import CustomOption, Variant
from storefront_mcp.commerce.shipping import ShippingMethod

ASK_BUYER: Final = "Ask the buyer; never invent one."
"""At the end of every error that needs something of the buyer."""
SEND_OPTIONS: Final = f"Send options as an object of option id to text or value id. {ASK_BUYER}"


class ShopError(CodedError):
    """Something a shop cannot do. `str(error)` is for the agent: what happened and what to do next.

    `detail` is a value worth showing with it; `internal` is for our own log and never leaves the server.
    """

    def __init__(self, message: str, *, detail: object = None, internal: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
        self.internal = internal or message


class ProductNotFound(ShopError):
    """No product under that SKU or url key."""

    code = "product_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"No product has the SKU or url key {key!r}. Find one with search_products.")


class CategoryNotFound(ShopError):
    """No category under that id or path."""

    code = "category_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no category {key!r}. See list_categories for ids and paths.")


class PageNotFound(ShopError):
    """No page under that identifier."""

    code = "page_not_found"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"The shop has no page {identifier!r}.")


class CursorRefused(ShopError):
    """A cursor that was never given out, or belongs to another question."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__(
            "This cursor does not belong to this search. Send next_cursor unchanged with otherwise the same arguments, "
            "or leave it out to start again."
        )


class CartNotFound(ShopError):
    """A cart id that we never gave out for this store, or whose life is over."""

    code = "cart_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such cart, or it has expired. Start a new one with create_cart.")


class CartGone(ShopError):
    """The shop no longer has the cart behind a handle that is still good."""

    code = "cart_gone"

    def __init__(self, lost: Sequence[LostLine] = ()) -> None:
        super().__init__(
            "The shop no longer has this cart: it expired there. add_to_cart with the same cart_id starts it afresh.",
            detail=LostCartDetail(tuple(lost)) if lost else None,
        )


class LineNotFound(ShopError):
    """No such line in the cart."""

    code = "line_not_found"

    def __init__(self, line: str) -> None:
        super().__init__(f"The cart has no line {line!r}. See view_cart for its line ids.")


class OutOfStock(ShopError):
    """The product cannot be bought now."""

    code = "out_of_stock"

    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} is out of stock. Offer the buyer another product or variant.")
        self.sku = sku


class NotEnoughStock(ShopError):
    """Fewer pieces are there than were asked for. `available` is None when the shop does not say."""

    code = "insufficient_stock"

    def __init__(self, sku: str, *, available: int | None = None) -> None:
        left = "" if available is None else f" Only {available} can be bought."
        super().__init__(f"There is not enough of {sku} in stock.{left} Ask for fewer.")
        self.sku, self.available = sku, available


class VariantNeeded(ShopError):
    """The SKU names a family of variants; one of them must be chosen."""

    code = "variant_required"

    def __init__(self, sku: str, variants: Sequence[Variant]) -> None:
        super().__init__(
            f"{sku} comes in variants. Choose one with the buyer and add it by its own SKU.",
            detail=VariantChoices(variants=tuple(variants)) if variants else None,
        )


class OptionsNeeded(ShopError):
    """An option is missing, unknown or wrong. `problem` says which."""

    code = "options_required"

    def __init__(self, sku: str, problem: str, options: Sequence[CustomOption] = (), how: str = SEND_OPTIONS) -> None:
        detail = VariantChoices(custom_options=tuple(options)) if options else None
        super().__init__(f"{sku}: {problem} {how}".rstrip(), detail=detail)


class QuantityRefused(ShopError):
    """The shop does not sell this quantity."""

    code = "invalid_quantity"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The shop refused this quantity: {reason}")


class CouponRejected(ShopError):
    """The code does not apply; `why` goes on after its name. `dropped` is a coupon that the shop took off meanwhile."""

    code = "invalid_coupon"

    def __init__(self, code: str, *, why: str = "is not valid for this cart", dropped: str | None = None) -> None:
        lost = f" The shop took {dropped!r} off the cart; apply it again if the buyer wants it." if dropped else ""
        super().__init__(f"The coupon {code!r} {why}.{lost} Do not guess codes: tries are limited.")
        self.dropped = dropped
        self.why = why


class GiftCardRejected(ShopError):
    """The shop does not take this gift card; `reason` is a sentence without its period and without the code."""

    code = "invalid_gift_card"

    def __init__(self, reason: str, *, internal: str | None = None) -> None:
        super().__init__(f"{reason}. Check the code with the buyer; never guess: tries are limited.", internal=internal)


class CountryNotServed(ShopError):
    """The shop does not deliver there."""

    code = "country_not_served"

    def __init__(self, country: str, served: Sequence[str] = ()) -> None:
        super().__init__(
            f"The shop does not deliver to {country!r}.", detail=ServedCountries(tuple(served)) if served else None
        )


class AddressRefused(ShopError):
    """The address cannot be used as it is. `problem` is a sentence."""

    code = "invalid_address"

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem} {ASK_BUYER}")


class CartEmpty(ShopError):
    """There is nothing to order."""

    code = "cart_empty"

    def __init__(self) -> None:
        super().__init__("The cart is empty. Put something in with add_to_cart first.")


class ShippingMethodRefused(ShopError):
    """The shop does not send this cart there that way."""

    code = "invalid_shipping_method"

    def __init__(self, code: str, offered: Sequence[ShippingMethod] = ()) -> None:
        told = f"{code!r} is not a way to send this cart to this address." if code else "shipping_method is missing."
        super().__init__(
            f"{told} Choose the code of one of the methods listed.",
            detail=ShippingOffers(tuple(offered)) if offered else None,
        )


class OrderRefused(ShopError):
    """The shop did not take the order, and surely made none; `reason` is its own sentence, cleaned."""

    code = "order_rejected"

    def __init__(self, reason: str, *, internal: str | None = None) -> None:
        super().__init__(f"The shop did not take the order: {reason}", internal=internal)


class EmailRefused(ShopError):
    """No address that mail can be sent to. The address itself is not repeated: it is personal."""

    code = "invalid_email"

    def __init__(self) -> None:
        super().__init__(f"email is no e-mail address, and the order's confirmation goes there. {ASK_BUYER}")


class NoWayToPay(ShopError):
    """Nothing that the operator has set up can settle this cart."""

    code = "no_payment_method"

    def __init__(self) -> None:
        super().__init__("This cart cannot be paid for here at the moment. Send the buyer to the shop's own website.")


class TotalRefused(ShopError):
    """A total that cannot be paid online; `reason` is a sentence, `limit` says which amounts can."""

    code = "total_not_payable"

    def __init__(self, reason: str, limit: str) -> None:
        super().__init__(f"{reason} {limit}. Change the cart with the buyer, or send them to the shop's own website.")


class CheckoutNotFound(ShopError):
    """A checkout id that we never gave out for this store."""

    code = "checkout_not_found"

    def __init__(self, *, staff: str = "the shop") -> None:
        """`staff` is whom the buyer asks, as `Store.staff`."""
        super().__init__(
            "There is no such checkout. Use the checkout_id that place_order answered. For an order number alone, send "
            f"the buyer to {staff}. How returns and cancelling work: get_store_info, topic returns."
        )


class CartBeingOrdered(ShopError):
    """Too late for a change: the buyer has paid or confirmed, and the shop is making the order."""

    code = "cart_being_ordered"

    def __init__(self, checkout: str, *, staff: str = "the shop") -> None:
        """`staff` is whom the buyer asks, as `Store.staff`."""
        super().__init__(
            f"This cart is being ordered in checkout {checkout}, so it can no longer be changed or given up here. "
            f"See get_order_status. Only {staff} can stop it; for more goods start another cart with create_cart."
        )
        self.checkout = checkout


class CartOrdered(ShopError):
    """The cart became an order. `number` is None when the shop did not tell it, `staff` is as of the others."""

    code = "cart_ordered"

    def __init__(self, checkout: str, number: str | None, *, staff: str = "the shop") -> None:
        order = "an order" if number is None else f"order {number}"
        self.checkout = checkout
        super().__init__(
            f"This cart became {order} ({checkout}); use create_cart for a new purchase. "
            f"To change or cancel that order, send the buyer to {staff}; its rules: get_store_info, topic returns."
        )


class KeyReused(ShopError):
    """An idempotency key that was sent with other arguments before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This idempotency_key was used with other arguments. Send those again, or a new key.")


class PaymentDown(ShopError):
    """The payment provider does not answer, so nothing was done. `internal` tells what happened."""

    code = "payment_unavailable"

    def __init__(self, *, internal: str | None = None) -> None:
        super().__init__(
            "The payment provider does not answer right now. Nothing was changed. Try again in a minute.",
            internal=internal,
        )


class ShopBusy(ShopError):
    """The shop, or the database, takes no more for now; nothing was changed. `retry_after` is in seconds."""

    code = "shop_busy"

    def __init__(self, *, retry_after: int = 60, internal: str | None = None) -> None:
        super().__init__(f"The shop is busy. Try again in {retry_after} seconds.", internal=internal)
        self.retry_after = retry_after


class ShopRefused(ShopError):
    """The shop said no; `reason` is its own sentence, cleaned."""

    code = "shop_rejected"

    def __init__(self, reason: str, *, internal: str | None = None) -> None:
        super().__init__(f"The shop refused: {reason}", internal=internal)


class ShopDown(ShopError):
    """The shop does not answer, or not sensibly. Nothing was changed."""

    code = "shop_unavailable"

    def __init__(
        self,
        message: str = "The shop does not answer right now. Nothing was changed. Try again in a minute.",
        *,
        internal: str | None = None,
    ) -> None:
        super().__init__(message, internal=internal)


class ShopOutcomeUnknown(ShopDown):
    """A write was sent and its answer was lost. `over` says that the shop answered, if only nonsense: it has ended."""

    code = "outcome_unknown"

    def __init__(self, *, internal: str | None = None, over: bool = False) -> None:
        super().__init__(
            "The shop did not confirm the change: it may or may not have happened. Look with view_cart before "
            "trying again.",
            internal=internal,
        )
        self.over = over


class ShopMisconfigured(ShopDown):
    """The shop answers, but not with the interface we were set up for: an operator must act."""

    code = "shop_misconfigured"

    def __init__(self, internal: str) -> None:
        message = "The shop is not set up correctly for agents yet. Its operator has to fix it."
        super().__init__(message, internal=internal)
