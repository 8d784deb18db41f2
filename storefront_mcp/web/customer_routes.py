"""`/mcp/customers/revoke`: the shop says that a customer changed the password, and every token of theirs is void."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post
from msgspec import Meta, Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.customer_grants import CustomerGrants
from storefront_mcp.web.authentication import BearerAuthenticator, HttpRejection
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.operator_requests import REJECTED, authorized_caller, read_json

REVOKE_PATH: Final = "/mcp/customers/revoke"
REQUIRED_SCOPE: Final = "manage:grants"
WHOSE: Final = 'Say whose: {"customer": "4"}, {"email": "ada@pickle.example"} or {"everybody": true}.'


class CustomerRevocation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose tokens are void from now on; exactly one."""

    customer: Annotated[str, Meta(min_length=1, max_length=200)] | Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = (
        None
    )
    """The shop's id."""
    email: Annotated[str, Meta(min_length=1, max_length=320)] | None = None
    """As it was when they signed in here."""
    everybody: bool = False


def customer_routes(
    authenticators: Mapping[StoreId, BearerAuthenticator], grants: Mapping[StoreId, CustomerGrants]
) -> list[HTTPRouteHandler]:
    """The route, for the stores whose customers sign in here; none without any."""
    if not grants:
        return []

    @post(REVOKE_PATH, exception_handlers=REJECTED, include_in_schema=False, status_code=HTTPStatus.OK)
    async def revoke_customer(request: Request[Any, Any, Any]) -> Response[bytes]:
        """200 with the number of grants that have ended, also when there were none."""
        site = site_of(request)
        here = grants.get(site.store.id)
        if here is None:
            raise NotFoundException(detail=f"Customers of {site.store.name} do not sign in here.")
        caller = await authorized_caller(request, site, authenticators[site.store.id], REQUIRED_SCOPE)
        wanted = await read_json(request, CustomerRevocation, "This names nobody") or CustomerRevocation()
        if sum((wanted.customer is not None, wanted.email is not None, wanted.everybody)) != 1:
            raise HttpRejection(HTTPStatus.BAD_REQUEST, WHOSE)
        if wanted.everybody:
            ended = await here.void_all(why="operator", by=caller.identifier)
        else:
            customer = "" if wanted.customer is None else str(wanted.customer)
            ended = await here.void(customer=customer, email=wanted.email or "", why="password", by=caller.identifier)
        body = msgspec.json.encode({"ended": ended})
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    return [revoke_customer]
