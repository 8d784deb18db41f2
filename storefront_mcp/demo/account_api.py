"""Routes for tokens, and for the service account: orders, carts and shipments by id."""

from typing import Final

from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.access import TOKEN_TTL_SECONDS
from storefront_mcp.demo.api_errors import ApiError, not_found
from storefront_mcp.demo.cart_shapes import cart_shape
from storefront_mcp.demo.customer_api import token_shape
from storefront_mcp.demo.customer_orders_api import own_order
from storefront_mcp.demo.http import ApiCall, InjectedCall, endpoint, whole_number
from storefront_mcp.demo.models import DemoOrder

MAX_FAILED_LOGINS_PER_MINUTE: Final = 10
UNSUPPORTED_GRANT: Final = "Unsupported grant type. Use: customer, client_credentials, api_user"


@endpoint("POST", "/auth/token")
async def create_token(call: InjectedCall) -> ASGIResponse:
    """The grants `customer`, which may be left out, and `client_credentials`."""
    grant = call.body.get("grant_type") or "customer"
    if grant == "customer":
        return _customer_token(call)
    if grant == "client_credentials":
        return _account_token(call)
    raise ApiError(400, "unsupported_grant_type", UNSUPPORTED_GRANT)


def _customer_token(call: ApiCall) -> ASGIResponse:
    said = {name: str(call.body.get(name) or "") for name in ("email", "password", "twofa_code")}
    customers = call.state.customers
    customer, token = customers.sign_in(said["email"], said["password"], said["twofa_code"], client=call.client)
    names = {"firstName": customer.firstname, "lastName": customer.lastname}
    content = {
        **token_shape(call, token),
        "customer": {"id": customer.id, "email": customer.email, **names},
        "cartItemsQty": 0,
        "extensions": [],
    }
    return call.resource("AuthToken", content)


def _account_token(call: ApiCall) -> ASGIResponse:
    account, body = call.state.account, call.body
    try:
        issued = account.issue(str(body.get("client_id") or ""), str(body.get("client_secret") or ""))
    except ApiError:
        call.state.attempts.count("login", call.client, most=MAX_FAILED_LOGINS_PER_MINUTE, seconds=60)
        raise
    content = {"token": issued, "token_type": "Bearer", "expires_in": TOKEN_TTL_SECONDS}
    content = {"id": "auth", **content, "permissions": list(account.permissions), "extensions": []}
    return call.resource("AuthToken", content)


@endpoint("GET", "/orders")
async def list_orders(call: InjectedCall) -> ASGIResponse:
    """Orders, newest first, without shipments and history; filters: `incrementId`, `email`. 403 for a customer."""
    if call.state.customers.holder(call.request.headers.get("authorization", "")) is not None:
        raise ApiError(403, "forbidden", "Access denied")
    _authenticate(call, "orders/read")
    number, email = call.query.get("incrementId"), call.query.get("email")
    found = [
        order
        for order in reversed(call.state.orders.values())
        if (not number or order.increment_id == number) and (not email or order.email == email)
    ]
    page = call.page(len(found))
    members = [
        order.body | {"shipments": [], "statusHistory": []} for order in found[page.offset : page.offset + page.limit]
    ]
    return call.collection("Order", members, total=len(found), page=page)


@endpoint("GET", "/orders/{number:str}")
async def get_order(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """One order by its id, with its shipments, also those comments that are not for the customer."""
    if call.state.customers.holder(call.request.headers.get("authorization", "")) is not None:
        order = own_order(call, number)
    else:
        order = _find_order(call, number, "orders/read")
    return call.resource("Order", order.body | {"shipments": call.state.shipments.get(order.increment_id, [])})


@endpoint("GET", "/orders/{number:str}/shipments")
async def list_shipments(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """The parcels of an order."""
    order = _find_order(call, number, "shipments/read", missing="Order not found")
    return call.collection("Shipment", call.state.shipments.get(order.increment_id, []))


@endpoint("GET", "/carts/{number:str}")
async def get_cart(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """A cart by its id, also when it has become an order; a customer sees none but their own."""
    customer = call.state.customers.holder(call.request.headers.get("authorization", ""))
    if customer is None:
        _authenticate(call, "carts/read")
    cart_id = whole_number(number)
    cart = next((cart for cart in call.state.carts.values() if cart.id == cart_id), None)
    if cart is None or (customer is not None and cart.customer != customer.id):
        raise not_found()
    return call.resource("Cart", cart_shape(call.state, cart, call.currency))


def _authenticate(call: ApiCall, permission: str) -> None:
    call.state.account.authenticate(call.request.headers.get("authorization", ""), permission)


def _find_order(call: ApiCall, number: str, permission: str, *, missing: str = "Not Found") -> DemoOrder:
    _authenticate(call, permission)
    order_id = whole_number(number)
    order = next((order for order in call.state.orders.values() if order.id == order_id), None)
    if order is None:
        raise not_found(missing)
    return order


ROUTES: Final = (create_token, list_orders, get_order, list_shipments, get_cart)
