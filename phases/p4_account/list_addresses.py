"""List the saved addresses of the signed-in customer."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.accounts import SavedAddress
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ListAddresses(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of them."""

    country: Annotated[str, Meta(max_length=2, description="Only there, such as AU")] = ""


class AddressBook(Struct, frozen=True, kw_only=True):
    """The addresses, in the form that place_order takes."""

    addresses: tuple[SavedAddress, ...]


@tool()
async def list_addresses(args: ListAddresses, shop: Shop) -> AddressBook:
    """List the signed-in buyer's saved addresses, as place_order takes them."""
    account = await shop.required_customer.account()
    country = args.country.upper()
    return AddressBook(
        addresses=tuple(one for one in await account.addresses() if country in {"", one.address.country})
    )
