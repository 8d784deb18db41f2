"""What a service account may do: get a token, read orders, carts and shipments."""

from typing import Final

from storefront_mcp.demo.accounts import LASTS
from storefront_mcp.demo.browse import page_of
from storefront_mcp.demo.carting import rate_shapes
from storefront_mcp.demo.carts import Order
from storefront_mcp.demo.receipts import cart_shape
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import Answer, Refused, Request, not_found, page_view, whole_number

_FAILURES: Final = 10
_MINUTE: Final = 60.0


async def token(state: ShopState, request: Request) -> Answer:
    """`POST /auth/token`: the grant `client_credentials`; there are no customers here."""
    grant = str(request.body.get("grant_type") or "customer")
    if grant != "client_credentials":
        raise Refused(400, "unsupported_grant_type", "Grant type must be one of: client_credentials")
    try:
        issued = state.accounts.issue(
            str(request.body.get("client_id") or ""), str(request.body.get("client_secret") or "")
        )
    except Refused:
        state.limits.count("login", request.client, most=_FAILURES, seconds=_MINUTE)
        raise
    content = {"token": issued, "token_type": "Bearer", "expires_in": LASTS, "permissions": ["all"]}
    return Answer(content={"id": "auth", **content, "extensions": []}, kind="AuthToken")


async def orders(state: ShopState, request: Request) -> Answer:
    """`GET /orders`: the newest first; `incrementId` and `email` narrow it."""
    state.accounts.admit(request)
    number, email = request.query.get("incrementId"), request.query.get("email")
    found = [
        order
        for order in reversed(state.orders.values())
        if (not number or order.increment_id == number) and (not email or order.email == email)
    ]
    asked, last, start, size = page_of(request, len(found))
    members = [order.shown for order in found[start : start + size]]
    return Answer(content=members, kind="Order", total=len(found), view=page_view(request, asked, last))


def _by_id(state: ShopState, request: Request, number: str) -> Order:
    state.accounts.admit(request)
    wanted = whole_number(number)
    found = next((order for order in state.orders.values() if order.id == wanted), None)
    if found is None:
        raise not_found()
    return found


async def order(state: ShopState, request: Request, number: str) -> Answer:
    """`GET /orders/{id}`."""
    return Answer(content=_by_id(state, request, number).shown, kind="Order")


async def shipments(state: ShopState, request: Request, number: str) -> Answer:
    """`GET /orders/{id}/shipments`."""
    found = state.shipments.get(_by_id(state, request, number).increment_id, [])
    return Answer(content=found, kind="Shipment", total=len(found), view=page_view(request, 1, 1))


async def cart(state: ShopState, request: Request, number: str) -> Answer:
    """`GET /carts/{id}`: by its number, also when it has become an order."""
    state.accounts.admit(request)
    wanted = whole_number(number)
    found = next((one for one in state.carts.values() if one.id == wanted), None)
    if found is None:
        raise not_found()
    shape = cart_shape(state, found, request.currency, rate_shapes(state, found, request.currency))
    if found.reserved is not None:
        shape["reservedOrderId"] = found.reserved
    return Answer(content=shape, kind="Cart")
