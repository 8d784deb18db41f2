"""List the saved addresses of the signed-in customer."""

from msgspec import Struct

from storefront_mcp.commerce.accounts import SavedAddress
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ListAddresses(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to choose."""


class AddressBook(Struct, frozen=True, kw_only=True):
    """The addresses, in the form that place_order takes."""

    addresses: tuple[SavedAddress, ...]


@tool()
async def list_addresses(args: ListAddresses, shop: Shop) -> AddressBook:
    """List the signed-in buyer's saved addresses, as place_order takes them."""
    account = await shop.required_customer.account()
    return AddressBook(addresses=tuple(await account.addresses()))
