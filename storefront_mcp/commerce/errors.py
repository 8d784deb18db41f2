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
├── CountryNotServed
├── AddressRefused
├── CartEmpty
├── ShippingMethodRefused  carries the methods to choose from
├── OrderRefused        the shop took no order, surely
├── EmailRefused
├── NoWayToPay
├── CheckoutNotFound
├── CartBeingOrdered    paid, so neither the cart nor the checkout can be changed any more
├── KeyReused           the idempotency key belongs to another wish
├── PaymentDown         the payment provider does not answer
├── ShopBusy            the shop counts requests and wants a pause
├── ShopRefused         the shop said no for a reason of its own
└── ShopDown
    ├── ShopUnclear     a write may or may not have happened
    └── ShopMisconfigured
"""

from collections.abc import Sequence

from msgspec import Struct

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.product import CustomOption, Variant
from storefront_mcp.commerce.shipping import ShippingMethod


class ShopError(Exception):
    """Something a shop cannot do. `str(error)` is for the agent: what happened and what to do next.

    `detail` is a value worth showing with it; `internal` is for our own log and never leaves the server.
    """

    def __init__(self, message: str, *, detail: object = None, internal: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
        self.internal = internal or message


class ProductNotFound(ShopError):
    """No product under that SKU or url key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"No product has the SKU or url key {key!r}. Find one with search_products.")


class CategoryNotFound(ShopError):
    """No category under that id or path."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no category {key!r}. See list_categories for ids and paths.")


class PageNotFound(ShopError):
    """No page under that identifier."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"The shop has no page {identifier!r}.")


class CursorRefused(ShopError):
    """A cursor that was never given out, or belongs to another question."""

    def __init__(self) -> None:
        super().__init__(
            "This cursor does not belong to this search. Send next_cursor unchanged with otherwise the same arguments, "
            "or leave it out to start again."
        )


class CartNotFound(ShopError):
    """A cart id that we never gave out for this store, or whose life is over."""

    def __init__(self) -> None:
        super().__init__("There is no such cart, or it has expired. Start a new one with create_cart.")


class Lost(Struct, frozen=True):
    """What was in a cart that is gone."""

    lost_lines: tuple[LostLine, ...]


class CartGone(ShopError):
    """The shop no longer has the cart behind a handle that is still good."""

    def __init__(self, lost: Sequence[LostLine] = ()) -> None:
        super().__init__(
            "The shop no longer has this cart: it expired there or became an order. "
            "add_to_cart with the same cart_id starts it afresh.",
            detail=Lost(tuple(lost)) if lost else None,
        )


class LineNotFound(ShopError):
    """No such line in the cart."""

    def __init__(self, line: str) -> None:
        super().__init__(f"The cart has no line {line!r}. See view_cart for its line ids.")


class OutOfStock(ShopError):
    """The product cannot be bought now."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} is out of stock. Offer the buyer another product or variant.")


class NotEnoughStock(ShopError):
    """Fewer pieces are there than were asked for. `available` is None when the shop does not say."""

    def __init__(self, sku: str, *, available: int | None = None) -> None:
        left = "" if available is None else f" Only {available} can be bought."
        super().__init__(f"There is not enough of {sku} in stock.{left} Ask for fewer.")
        self.available = available


class Choices(Struct, frozen=True, omit_defaults=True):
    """What there is to choose from."""

    variants: tuple[Variant, ...] = ()
    custom_options: tuple[CustomOption, ...] = ()


class VariantNeeded(ShopError):
    """The SKU names a family of variants; one of them must be chosen."""

    def __init__(self, sku: str, variants: Sequence[Variant]) -> None:
        super().__init__(
            f"{sku} comes in variants. Choose one with the buyer and add it by its own SKU.",
            detail=Choices(variants=tuple(variants)) if variants else None,
        )


class OptionsNeeded(ShopError):
    """An option is missing, unknown or wrong. `problem` says which."""

    def __init__(self, sku: str, problem: str, options: Sequence[CustomOption] = ()) -> None:
        super().__init__(
            f"{sku}: {problem} Send options as an object of option id to text or value id.",
            detail=Choices(custom_options=tuple(options)) if options else None,
        )


class QuantityRefused(ShopError):
    """The shop does not sell this quantity."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The shop refused this quantity: {reason}")


class CouponRejected(ShopError):
    """The code is unknown or does not apply. `dropped` names a coupon that the shop took off the cart on the way."""

    def __init__(self, code: str, *, dropped: str | None = None) -> None:
        lost = f" The shop took {dropped!r} off the cart; apply it again if the buyer wants it." if dropped else ""
        super().__init__(
            f"The coupon {code!r} is not valid for this cart.{lost} Do not guess codes: tries are limited."
        )
        self.dropped = dropped


class Countries(Struct, frozen=True):
    """Countries a shop delivers to."""

    countries: tuple[str, ...]


class CountryNotServed(ShopError):
    """The shop does not deliver there."""

    def __init__(self, country: str, served: Sequence[str] = ()) -> None:
        super().__init__(
            f"The shop does not deliver to {country!r}.", detail=Countries(tuple(served)) if served else None
        )


class AddressRefused(ShopError):
    """The address cannot be used as it is. `problem` is a sentence."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class CartEmpty(ShopError):
    """There is nothing to order."""

    def __init__(self) -> None:
        super().__init__("The cart is empty. Put something in with add_to_cart first.")


class Offers(Struct, frozen=True):
    """Ways to send a cart there."""

    methods: tuple[ShippingMethod, ...]


class ShippingMethodRefused(ShopError):
    """The shop does not send this cart there that way."""

    def __init__(self, code: str, offered: Sequence[ShippingMethod] = ()) -> None:
        super().__init__(
            f"{code!r} is not a way to send this cart to this address. Choose the code of one of the methods listed.",
            detail=Offers(tuple(offered)) if offered else None,
        )


class OrderRefused(ShopError):
    """The shop did not take the order, and surely made none; `reason` is its own sentence, cleaned."""

    def __init__(self, reason: str, *, internal: str | None = None) -> None:
        super().__init__(f"The shop did not take the order: {reason}", internal=internal)


class EmailRefused(ShopError):
    """No address that mail can be sent to. The address itself is not repeated: it is personal."""

    def __init__(self) -> None:
        super().__init__("email is no e-mail address. Ask the buyer for theirs: the order's confirmation goes there.")


class NoWayToPay(ShopError):
    """Nothing that the operator has set up can settle this cart."""

    def __init__(self) -> None:
        super().__init__("This cart cannot be paid for here at the moment. Send the buyer to the shop's own website.")


class CheckoutNotFound(ShopError):
    """A checkout id that we never gave out for this store."""

    def __init__(self) -> None:
        super().__init__("There is no such checkout. Use the checkout_id that place_order answered.")


class CartBeingOrdered(ShopError):
    """Too late for a change: the buyer has paid, or the shop is making the order."""

    def __init__(self, checkout: str) -> None:
        super().__init__(
            f"The buyer has paid for this cart in checkout {checkout}, so it can no longer be changed. "
            "See get_order_status; for more goods start another cart with create_cart."
        )


class KeyReused(ShopError):
    """An idempotency key that was sent with other arguments before."""

    def __init__(self) -> None:
        super().__init__(
            "This idempotency_key was used with other arguments. Send the same arguments again, or a new key for a new "
            "wish."
        )


class PaymentDown(ShopError):
    """The payment provider does not answer, so nothing was done. `internal` tells what happened."""

    def __init__(self, *, internal: str | None = None) -> None:
        super().__init__(
            "The payment provider does not answer right now. Nothing was changed. Try again in a minute.",
            internal=internal,
        )


class ShopBusy(ShopError):
    """The shop counts requests. `retry_after` is in seconds."""

    def __init__(self, *, retry_after: int = 60, internal: str | None = None) -> None:
        super().__init__(f"The shop is busy. Try again in {retry_after} seconds.", internal=internal)
        self.retry_after = retry_after


class ShopRefused(ShopError):
    """The shop said no; `reason` is its own sentence, cleaned."""

    def __init__(self, reason: str, *, internal: str | None = None) -> None:
        super().__init__(f"The shop refused: {reason}", internal=internal)


class ShopDown(ShopError):
    """The shop does not answer, or not sensibly. Nothing was changed."""

    def __init__(
        self,
        message: str = "The shop does not answer right now. Nothing was changed. Try again in a minute.",
        *,
        internal: str | None = None,
    ) -> None:
        super().__init__(message, internal=internal)


class ShopUnclear(ShopDown):
    """A write was sent and its answer was lost. `over` says that the shop answered, if only nonsense: it has ended."""

    def __init__(self, *, internal: str | None = None, over: bool = False) -> None:
        super().__init__(
            "The shop did not confirm the change: it may or may not have happened. Look with view_cart before "
            "trying again.",
            internal=internal,
        )
        self.over = over


class ShopMisconfigured(ShopDown):
    """The shop answers, but not with the interface we were set up for: an operator must act."""

    def __init__(self, internal: str) -> None:
        super().__init__(
            "The shop is not set up correctly for agents yet. Its operator has to fix it.", internal=internal
        )
