"""A stand-in for a WooCommerce shop: the Store API and the merchant's orders, over the demo's catalogue.

Strict where a real one is strict and odd where it is odd, as recorded: amounts are texts of minor units, a token that
does not verify counts as none, an unknown rate leaves the choice as it was, parallel checkouts of one cart make several
orders, and the answer to a checkout has no total.
"""

from tests.fakes.woocommerce.shop import WooShop, woo_shop
from tests.fakes.woocommerce.state import MERCHANT_KEY, MERCHANT_SECRET, WooState

__all__ = ["MERCHANT_KEY", "MERCHANT_SECRET", "WooShop", "WooState", "woo_shop"]
