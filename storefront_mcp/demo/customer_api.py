"""Routes for customers with a token: renewal and end of it, profile, password."""

import datetime as dt
from typing import Final

from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.customers import DemoCustomer
from storefront_mcp.demo.http import PREFIX, ApiCall, InjectedCall, endpoint


def token_shape(call: ApiCall, token: str) -> Json:
    """A token, as all of its routes show it."""
    return {"id": "auth", "token": token, "token_type": "Bearer", "expires_in": call.state.rules.token_seconds}


def customer_shape(customer: DemoCustomer) -> Json:
    """A customer's profile."""
    created = dt.datetime.fromtimestamp(customer.created, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "id": customer.id,
        "email": customer.email,
        "firstname": customer.firstname,
        "lastname": customer.lastname,
        "fullName": customer.full_name,
        "isSubscribed": False,
        "groupId": 1,
        "isActive": customer.active,
        "websiteId": 1,
        "storeId": 1,
        "createdIn": "Default Store View",
        "disableAutoGroupChange": False,
        "isConfirmed": customer.confirmed,
        "addresses": [],
        "createdAt": created,
        "updatedAt": created,
        "extensions": [],
    }


def bearer_customer(call: ApiCall) -> DemoCustomer:
    """The customer whose token a request carries; 401 without one."""
    return call.state.customers.authenticate(call.request.headers.get("authorization", ""))


@endpoint("POST", "/auth/refresh")
async def refresh_token(call: InjectedCall) -> ASGIResponse:
    """A new token in the place of the live one that comes as bearer."""
    authorization = call.request.headers.get("authorization", "")
    token = call.state.customers.refresh(authorization, client=call.client)
    return call.resource("AuthToken", {**token_shape(call, token), "extensions": []})


@endpoint("POST", "/auth/logout")
async def revoke_token(call: InjectedCall) -> ASGIResponse:
    """Revokes the token that comes as bearer."""
    call.state.customers.end(call.request.headers.get("authorization", ""))
    content = {"id": "auth", "success": True, "message": "Successfully logged out", "extensions": []}
    return call.resource("AuthToken", content, status=201, location=f"{PREFIX}/auth_tokens/auth")


@endpoint("GET", "/customers/me")
async def get_profile(call: InjectedCall) -> ASGIResponse:
    """The profile of the token's customer."""
    return call.resource("Customer", customer_shape(bearer_customer(call)))


@endpoint("POST", "/customers/me/password")
async def change_password(call: InjectedCall) -> ASGIResponse:
    """A new password for the current one."""
    customer = bearer_customer(call)
    current, new = (str(call.body.get(name) or "") for name in ("currentPassword", "newPassword"))
    await call.state.customers.change_password(customer, current=current, new=new)
    return call.resource("Customer", customer_shape(customer), status=201, location=f"{PREFIX}/customers/me")


ROUTES: Final = (refresh_token, revoke_token, get_profile, change_password)
