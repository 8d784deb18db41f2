"""What the shop lets us do: guests, coupons, the service account, carts, and the ways to pay."""

from typing import Final

from storefront_mcp.calls.limits import Rate
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import Countries, CountryNotServed, ShopError
from storefront_mcp.commerce.search import Search
from storefront_mcp.doctor.findings import Check, Finding, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.doctor.words import country_of, listed

MINUTE: Final = 60.0
TRIED: Final = 20
"""Products looked at for one that can be bought without a choice."""


@check("shop.guests", "Guests may order", "shop", after=("shop.store-view",))
async def guests(patient: Patient) -> Findings:
    """Agents shop without an account."""
    if await patient.behind.probe.takes_guests():
        yield ok("The shop takes orders of guests.")
    else:
        yield fault("The shop takes no orders of guests.", "Allow guest checkout in the shop's configuration.")


@check("shop.coupons", "Our limit on coupon tries is below the shop's", "shop", after=("shop.reached",))
async def coupons(patient: Patient) -> Findings:
    """All shoppers share our address, so that one who guesses codes locks coupons for everybody."""
    theirs = patient.behind.probe.coupons_per_minute
    rate = Rate.read(patient.behind.store.limits.coupons)
    if rate is None or rate.burst + MINUTE / rate.interval > theirs:
        yield warning(
            f"The shop allows {theirs} coupon tries a minute, and store.limits.coupons lets more pass.",
            'Set store.limits.coupons to "12/min burst 6" or less.',
        )
    else:
        yield ok(f"The shop allows {theirs} a minute, and we stay below that.")


@check(
    "shop.account",
    "The service account is let in, and may do what it must and no more",
    "shop",
    after=("shop.reached",),
)
async def account(patient: Patient) -> Findings:
    """It finds orders whose answer was lost, and tells buyers where theirs is."""
    found = await patient.behind.probe.account()
    if found is None:
        yield note(
            "There is no service account: an order whose answer is lost has to be looked up by hand.",
            "Make a service account with the rights orders/read and carts/read in the shop, and set "
            "store.upstream.client_id and client_secret_file.",
        )
    elif not found.admitted:
        yield fault(
            "The shop refuses our service account.",
            "Renew its secret in the shop, and put it where store.upstream.client_secret comes from.",
        )
    elif found.lacks:
        yield fault(f"The service account lacks {listed(found.lacks)}.", f"Give it {listed(found.lacks)} in the shop.")
    elif set(found.rights) - {"orders/read", "carts/read"}:
        yield note(
            f"The service account may do more than it must: {listed(found.rights)}.",
            "Limit it to orders/read and carts/read in the shop.",
        )
    else:
        yield ok("It may read orders and carts.")


@check("shop.cart", "A cart can be filled, sent somewhere and paid", "shop", "cart", after=("shop.catalogue",))
async def cart(patient: Patient) -> Findings:
    """One cart, made for this and left empty. No order is placed."""
    backend = patient.behind.backend
    filled = await _filled(backend)
    if filled is None:
        yield warning(
            f"None of the first {TRIED} products can be put into a cart as it is.",
            "Have a simple product in stock, or try a cart by hand.",
        )
        return
    yield ok(f"{filled.lines[0].sku} was put into a cart: {filled.totals.total}.")
    try:
        yield await _quoted(patient, filled)
        offered = [one.code for one in await backend.payment_methods(filled.cart_id)]
        for finding in _payable(patient, offered):
            yield finding
    finally:
        for line in filled.lines:
            await backend.remove_line(filled.cart_id, line.line_id)


async def _quoted(patient: Patient, filled: Cart) -> Finding:
    """What sending a cart costs, within the store's country or else to the first one that the shop serves."""
    backend, country = patient.behind.backend, country_of(patient.behind.store.locale) or "US"
    fix = "Switch on a way to ship for that country in the shop."
    try:
        methods = await backend.shipping_methods(filled.cart_id, Address(country=country))
    except CountryNotServed as refused:
        if not isinstance(refused.detail, Countries):
            return warning(f"It cannot be sent to {country}.", fix)
        country = refused.detail.countries[0]
        methods = await backend.shipping_methods(filled.cart_id, Address(country=country))
    if not methods:
        return warning(f"It cannot be sent to {country}.", fix)
    return ok(f"It can be sent to {country} by {listed([one.code for one in methods])}.")


async def _filled(backend: Backend) -> Cart | None:
    """A cart with the first product that needs no choice; None where there is none."""
    found = await backend.search(Search(size=TRIED))
    made: Cart | None = None
    for product in found.products:
        if product.choose is None and product.in_stock:
            made = made or await backend.create_cart()
            try:
                return await backend.add_line(made.cart_id, product.sku, 1, {})
            except ShopError:
                continue
    return None


def _payable(patient: Patient, offered: list[str]) -> list[Finding]:
    """How the shop would have the cart paid, against what the settings say."""
    payments, method = patient.behind.store.payments, patient.behind.method
    wanted = {"store.payments.method": method} if payments.provider else {}
    wanted |= {f"store.payments.offline ({code})": code for code in payments.offline}
    found = []
    for setting, code in wanted.items():
        if code in offered:
            found.append(ok(f"The shop can be paid by {code}."))
        else:
            there = listed(offered) or "none"
            fix = f"Switch {code} on in the shop, or set {setting.partition(' ')[0]} to what it has: {there}."
            found.append(fault(f"The shop does not offer {code} for this cart, which {setting} wants.", fix))
    return found


CHECKS: Final[tuple[Check, ...]] = (guests, coupons, account, cart)
