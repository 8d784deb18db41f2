"""Routes for what a customer's token opens: orders, cancellation, addresses."""

from typing import Final

from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import Json, bad_request, internal_error, not_found
from storefront_mcp.demo.cart_shapes import utc_timestamp
from storefront_mcp.demo.customer_api import bearer_customer
from storefront_mcp.demo.http import PREFIX, ApiCall, InjectedCall, endpoint, whole_number
from storefront_mcp.demo.models import DemoOrder
from storefront_mcp.demo.state import DemoState

DEFAULT_ORDERS: Final = 10
LISTED_APART: Final = frozenset({"customerEmail", "shippingAddress"})
"""What an order in the list is without."""
ADDRESS_KEYS: Final = (
    "firstname",
    "lastname",
    "company",
    "street",
    "city",
    "region",
    "postcode",
    "countryId",
    "telephone",
)


@endpoint("GET", "/customers/me/orders")
async def list_own_orders(call: InjectedCall) -> ASGIResponse:
    """The customer's orders, newest first, without history, parcels and the address that they went to."""
    customer, status = bearer_customer(call), call.query.get("status")
    found = [
        order
        for order in reversed(call.state.orders.values())
        if order.customer == customer.id and status in {None, "", order.body["status"]}
    ]
    page = call.page(len(found), default=DEFAULT_ORDERS)
    members: list[Json] = [
        {key: value for key, value in stored_shape(order).items() if key not in LISTED_APART}
        | {"shipments": [], "statusHistory": []}
        for order in found[page.offset : page.offset + page.limit]
    ]
    return call.collection("Order", members, total=len(found), page=page)


@endpoint("POST", "/orders/{number:str}/cancel")
async def cancel_own_order(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """201 with the canceled order, whose pieces are back in stock; 500 without a reason where it cannot be."""
    order = own_order(call, number)
    body, now = order.body, utc_timestamp(call.state.clock())
    if body["state"] not in {"new", "pending"} or body["prices"]["totalPaid"]:
        raise internal_error()
    for item in body["items"]:
        item["qtyCanceled"] = item["qtyOrdered"]
        call.state.take_stock(item["sku"], -item["qtyOrdered"])
    body["status"] = body["state"] = "canceled"
    body["prices"]["totalCanceled"] = body["prices"]["grandTotal"]
    body["updatedAt"] = now
    reason = str(call.body.get("reason") or "")
    told = ("", f"Order cancelled: {reason}") if reason else ("",)
    for note in told:
        history = {"note": note, "status": "canceled", "createdAt": now}
        body["statusHistory"].append({**history, "isCustomerNotified": True, "isVisibleOnFront": False})
    return call.resource(
        "Order", stored_shape(order) | {"shipments": []}, status=201, location=f"{PREFIX}/orders/{order.id}"
    )


@endpoint("GET", "/customers/me/addresses")
async def list_addresses(call: InjectedCall) -> ASGIResponse:
    """The address book."""
    return call.collection("Address", call.state.address_books.get(bearer_customer(call).id, []))


@endpoint("POST", "/customers/me/addresses", shares_path=True)
async def add_address(call: InjectedCall) -> ASGIResponse:
    """201 with a new address; names are in lower case, and 400 without them."""
    customer, given = bearer_customer(call), call.body
    lacks = [
        f"{name} name is required" for key, name in (("firstname", "First"), ("lastname", "Last")) if not given.get(key)
    ]
    if lacks:
        raise bad_request(", ".join(lacks))
    address = save_address(call.state, customer.id, given)
    return call.resource("Address", address, status=201, location=f"{PREFIX}/addresses/{address['id']}")


def save_address(state: DemoState, customer: int, given: Json) -> Json:
    """A new address of a customer's book; a default one takes the place of the former."""
    book = state.address_books.setdefault(customer, [])
    now = utc_timestamp(state.clock())
    address: Json = {"id": state.next_number("address"), "customerId": customer}
    address |= {key: given[key] for key in ADDRESS_KEYS if given.get(key)}
    address["street"] = given["street"] if isinstance(given.get("street"), list) else [str(given.get("street") or "")]
    for key in ("isDefaultBilling", "isDefaultShipping"):
        address[key] = bool(given.get(key))
        if address[key]:
            for other in book:
                other[key] = False
    book.append({**address, "createdAt": now, "updatedAt": now, "extensions": []})
    return book[-1]


def stored_shape(order: DemoOrder) -> Json:
    """An order as it is read: amounts that place-order leaves out are 0."""
    prices = order.body["prices"]
    zeros = {key: prices[key] or 0 for key in ("discountAmount", "giftcardAmount")}
    return order.body | {"prices": prices | zeros}


def own_order(call: ApiCall, number: str) -> DemoOrder:
    """The order of the token's customer with this id; 404 for one of anybody else."""
    customer, order_id = bearer_customer(call), whole_number(number)
    order = next((one for one in call.state.orders.values() if one.id == order_id), None)
    if order is None or order.customer != customer.id:
        raise not_found()
    return order


ROUTES: Final = (list_own_orders, cancel_own_order, list_addresses, add_address)
