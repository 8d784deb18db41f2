"""What one customer has from before the shop started: a saved address, and an order that was paid for and delivered."""

from typing import Final

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.countries import read_address
from storefront_mcp.demo.currencies import AUD
from storefront_mcp.demo.customer_orders_api import save_address
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.fulfilment import ship_order
from storefront_mcp.demo.models import PREPAID, DemoCart, DemoCartLine
from storefront_mcp.demo.ordering import OrderPlacement
from storefront_mcp.demo.state import DemoState

BUYER: Final = PICKLERS[0]
BOUGHT: Final = (("JAR-DILL", 2), ("NET-1", 1))
"""SKUs and pieces."""
AGE_SECONDS: Final = 21 * 86_400
"""Of the order when the shop starts."""
TRACKING: Final = {"33DEMO000001": "Australia Post"}
HOME: Final[Json] = {
    "street": "12 Barrel Lane\nUnit 3",
    "city": "Brunswick",
    "region": "Victoria",
    "postcode": "3056",
    "countryId": "AU",
    "telephone": "+61 3 5550 1234",
}


def add_past_order(state: DemoState) -> None:
    """Give `BUYER` the address and the order; the stock is what is left without it."""
    clock = state.clock
    customer = state.customers.by_email(BUYER.email)
    if customer is None:
        raise KeyError(BUYER.email)
    placed = clock() - AGE_SECONDS
    state.clock = lambda: placed
    try:
        name = {"firstname": customer.firstname, "lastname": customer.lastname}
        default = {"isDefaultBilling": True, "isDefaultShipping": True}
        save_address(state, customer.id, {**HOME, **name, **default, "street": HOME["street"].split("\n")})
        order, _ = OrderPlacement(state).record(_cart(state, customer.id), {"email": customer.email}, {}, AUD.code, 2)
        # It is the customer's, who needs no token to read it.
        del state.order_tokens[order.increment_id]
        ship_order(state, order.increment_id, tracks=TRACKING, carrier="auspost")
    finally:
        state.clock = clock


def _cart(state: DemoState, customer: int) -> DemoCart:
    """What was bought, ready to be ordered."""
    name = {"firstName": BUYER.firstname, "lastName": BUYER.lastname}
    home = read_address(HOME | name, lists_become_array=False)
    found = [(product, qty) for sku, qty in BOUGHT if (product := state.catalogue.by_sku(sku)) is not None]
    lines = tuple(
        DemoCartLine(
            id=state.next_number("line"),
            sku=product.sku,
            name=product.name,
            product_id=product.id,
            product_type=product.kind,
            qty=qty,
            cents=product.price,
            grams=product.grams,
        )
        for product, qty in found
    )
    return state.update_cart(
        state.new_cart(),
        customer=customer,
        lines=lines,
        shipping_address=home,
        billing_address=home,
        shipping_method="auspost_parcel",
        payment_method=PREPAID.code,
    )
