"""Customers as the merchant's key finds them: WooCommerce's interfaces sign nobody in."""

from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.postal.emails import has_email_form
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.woocommerce.customer_shapes import WooCustomerShape
from storefront_mcp.backends.woocommerce.merchant_api import CUSTOMERS, MerchantApi
from storefront_mcp.backends.woocommerce.store_api import PAGE_SIZE, expect_success
from storefront_mcp.commerce.customers import ShopCustomer

ROLE: Final = "customer"
FIELDS: Final = "id,email,first_name,last_name,role"
MAX_EMAIL_CHARS: Final = 254
MAX_NAME_CHARS: Final = 100


class WooCustomers:
    """A `CustomerDirectory` of a shop's customers; its staff are none, and nor are guests who ordered."""

    def __init__(self, api: MerchantApi) -> None:
        self._api = api

    async def find_customer(self, email: str) -> ShopCustomer | None:
        """As the port says. Addresses differ in more than capitals, whatever the shop's database takes for the same.

        The shop also takes `*` for any characters.
        """
        wanted = email.strip()
        if len(wanted) > MAX_EMAIL_CHARS or not has_email_form(wanted):
            return None
        query = {"email": wanted, "role": ROLE, "per_page": str(PAGE_SIZE), "_fields": FIELDS}
        answer = await self._api.get(CUSTOMERS, query)
        if answer.status == HTTPStatus.BAD_REQUEST:
            # WordPress is stricter than we are about what an address is.
            return None
        found = read_what_fits(expect_success(answer), list[WooCustomerShape])
        exact = [one for one in found if one.id and one.role == ROLE and one.email.lower() == wanted.lower()]
        if len(exact) != 1:
            return None
        (who,) = exact
        names = (sanitizing.line(name, MAX_NAME_CHARS) for name in (who.first_name, who.last_name))
        return ShopCustomer(customer_id=str(who.id), name=" ".join(name for name in names if name), email=who.email)
