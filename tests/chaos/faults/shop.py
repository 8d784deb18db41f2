"""`python -m tests.chaos.faults.shop --stripe URL --kind maho`: a shop in a process that outlives ours.

Maho's is the demo shop with a payment module; of the others there is a shop per currency, at paths like `/aud`.
"""

import argparse
import socket
import sys

import uvicorn
from litestar.types import ASGIApp
from msgspec.structs import replace

from storefront_mcp.demo.catalogue.model import DemoCatalogue
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from tests.chaos.faults.shop_per_currency import ShopPerCurrency
from tests.chaos.faults.software import SOFTWARE
from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop
from tests.fakes.stripe.module import StripeModule
from tests.fakes.unlimited_attempts import UnlimitedAttempts

KEY = "rk_test_fake"


def odd_catalogue() -> DemoCatalogue:
    """The demo's, with prices that end in 5, so that percentages are rounded; three decimals still end in 0."""
    stocked = pickle_warehouse()
    products = {
        number: replace(product, cents=product.cents // 10 * 10 + 5, sale_cents=None)
        for number, product in stocked.products.items()
    }
    return replace(stocked, products=products)


def maho_shop(stripe: str, url: str) -> ControlledShop:
    """The demo shop at `url`, as unsafe as real shops are."""
    shop = demo_shop(
        # Parallel calls make several orders, and gaps end in a 500 that says nothing.
        unsafe=UnsafeBehaviours(duplicate_orders=True, opaque_errors=True, unchecked_orders=True),
        payment_modules={"stripe_card": StripeModule(stripe, KEY)},
        base_url=url,
        open_books=True,
        catalogue=odd_catalogue(),
    )
    # All of them come from one address, and tries of coupons are not what this is about.
    shop.state.attempts = UnlimitedAttempts(shop.state.clock)
    return shop


def main() -> None:
    """Serve until told to stop; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.faults.shop", description=__doc__)
    parser.add_argument("--stripe", required=True)
    parser.add_argument("--kind", choices=sorted(SOFTWARE), default="maho")
    asked = parser.parse_args()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        shop: ASGIApp = maho_shop(asked.stripe, url) if asked.kind == "maho" else ShopPerCurrency(asked.kind)
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        config = uvicorn.Config(shop, log_level="critical", ws="none", timeout_keep_alive=75)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
