"""Checks of what the shop permits: guest orders, coupons, the service account, carts, payment methods."""

from typing import Final

from storefront_mcp.access.rate_limits import RateLimit
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.error_details import ServedCountries
from storefront_mcp.commerce.errors import CountryNotServed, ShopError, ShopMisconfigured
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.doctor.phrases import country_of, list_names
from storefront_mcp.findings import Finding, fault, note, ok, warning

MINUTE_SECONDS: Final = 60.0
MAX_PRODUCTS_TRIED: Final = 20
"""Products searched for one that can be added without options."""


@check("shop.guests", "May guests order?", "shop", after=("shop.store-view",))
async def check_guests(patient: ExaminedStore) -> Findings:
    """Guest checkout is on, as agents shop without an account."""
    if await patient.behind.probe.takes_guests():
        yield ok("The shop takes orders of guests.")
    else:
        yield fault("The shop takes no orders of guests.", "Allow guest checkout in the shop's configuration.")


@check("shop.least-order", "Is the shop's least order known?", "shop", after=("shop.reached",))
async def check_least_order(patient: ExaminedStore) -> Findings:
    """A minimum order amount is set here, too, as the shop's API neither tells nor applies its own."""
    least = patient.behind.store.upstream.minimum_order
    if patient.behind.probe.applies_minimum:
        yield ok("The shop applies its own, if it has one.")
    elif least is None and patient.behind.store.upstream.kind == "demo":
        yield ok("The demo shop has none.")
    elif least is None:
        yield note(
            "Orders of any amount are taken: the shop's API neither tells nor applies a minimum.",
            "If the shop has one, set store.upstream.minimum_order.",
        )
    else:
        yield ok(f"Goods must cost {least} {patient.behind.store.currency} at least.")


@check("shop.coupons", "Is our limit on coupon tries below the shop's?", "shop", after=("shop.reached",))
async def check_coupons(patient: ExaminedStore) -> Findings:
    """The shop limits by address, which all buyers share: one who guesses codes would lock coupons for all."""
    theirs = patient.behind.probe.coupons_per_minute
    rate = RateLimit.read(patient.behind.store.limits.coupons)
    if rate is None or rate.burst + MINUTE_SECONDS / rate.interval > theirs:
        yield warning(
            f"The shop allows {theirs} coupon tries a minute, and store.limits.coupons lets more pass.",
            'Set store.limits.coupons to "12/min burst 6" or less.',
        )
    else:
        yield ok(f"The shop allows {theirs} a minute, and we stay below that.")


@check("shop.sign-ins", "Can customers sign in, and is our limit below the shop's?", "shop", after=("shop.reached",))
async def check_sign_ins(patient: ExaminedStore) -> Findings:
    """The shop limits by address, which all customers share: one who guesses passwords would lock out all."""
    theirs = patient.behind.probe.sign_ins_per_minute
    rate = RateLimit.read(patient.behind.store.limits.sign_ins)
    if not patient.behind.store.sign_in.on:
        yield ok("Customers do not sign in here.")
        return
    if (fix := await patient.behind.probe.sign_in_fix()) is not None:
        yield fault("The shop lets no customer sign in.", fix)
    if theirs is None:
        yield ok("The shop counts none.")
    elif rate is None or rate.burst + MINUTE_SECONDS / rate.interval > theirs:
        yield warning(
            f"The shop allows {theirs} sign-ins a minute, and store.limits.sign_ins lets more pass.",
            'Set store.limits.sign_ins to "3/min burst 5" or less, or raise the limit of the shop.',
        )
    else:
        yield ok(f"The shop allows {theirs} a minute, and we stay below that.")


@check(
    "shop.account",
    "Is there a service account that may do what it must and no more?",
    "shop",
    after=("shop.reached",),
)
async def check_account(patient: ExaminedStore) -> Findings:
    """It finds orders whose response was lost, and reports status; with the rights that the shop's software needs."""
    probe = patient.behind.probe
    found, rights = await probe.account(), " and ".join(probe.account_rights)
    if found is None:
        yield note(
            "There is no service account: an order whose answer is lost has to be looked up by hand.",
            probe.account_advice,
        )
    elif not found.admitted:
        yield fault(
            "The shop refuses our service account.",
            "Renew its secret in the shop, and put it where the settings of store.upstream take it from.",
        )
    elif found.lacks:
        yield fault(
            f"The service account lacks {list_names(found.lacks)}.", f"Give it {list_names(found.lacks)} in the shop."
        )
    elif set(found.rights) - {*probe.account_rights}:
        yield note(
            f"The service account may do more than it must: {list_names(found.rights)}.",
            f"Limit it to {rights} in the shop.",
        )
    else:
        yield ok(f"It has {rights}.")


@check("shop.cart", "Can a cart be filled, sent somewhere and paid?", "shop", "cart", after=("shop.catalogue",))
async def check_cart(patient: ExaminedStore) -> Findings:
    """Make one cart, quote shipping and payment methods, and empty it; places no order."""
    backend = patient.behind.backend
    try:
        filled = await _fill_cart(backend)
        if filled is None:
            yield warning(
                f"None of the first {MAX_PRODUCTS_TRIED} products can be put into a cart as it is.",
                "Have a simple product in stock, or try a cart by hand.",
            )
            return
        yield ok(f"{filled.lines[0].sku} was put into a cart: {filled.totals.total}.")
        try:
            yield await _quote_shipping(patient, filled)
            for finding in _tax_findings((await backend.cart(filled.cart_id)).totals):
                yield finding
            offered = [one.code for one in await backend.payment_methods(filled.cart_id)]
            for finding in _payable(patient, offered):
                yield finding
        finally:
            for line in filled.lines:
                await backend.remove_line(filled.cart_id, line.line_id)
    except ShopMisconfigured as wrong:
        yield fault(f"Carts cannot be used: {wrong.internal}.", "Put that right in the settings of this store.")


async def _quote_shipping(patient: ExaminedStore, filled: Cart) -> Finding:
    """Quote shipping of a cart to the store's country, or else the first that the shop serves."""
    backend, country = patient.behind.backend, country_of(patient.behind.store.locale) or "US"
    fix = "Switch on a way to ship for that country in the shop."
    try:
        methods = await backend.shipping_methods(filled.cart_id, Address(country=country))
    except CountryNotServed as refused:
        if not isinstance(refused.detail, ServedCountries):
            return warning(f"It cannot be sent to {country}.", fix)
        country = refused.detail.countries[0]
        methods = await backend.shipping_methods(filled.cart_id, Address(country=country))
    if not methods:
        return warning(f"It cannot be sent to {country}.", fix)
    return ok(f"It can be sent to {country} by {list_names([one.code for one in methods])}.")


def _tax_findings(totals: CartTotals) -> list[Finding]:
    """Whether prices include tax, as the cart shows, and whether its totals add up."""
    found = []
    if totals.tax is not None:
        found.append(
            ok(f"Prices {'include' if totals.tax_included else 'are without'} tax, of which it has {totals.tax}.")
        )
    if totals.other is not None:
        fix = "Look at a cart in the shop for a fee or rounding of its own."
        found.append(warning(f"{totals.other} of the cart's total is neither goods nor shipping nor tax.", fix))
    return found


async def _fill_cart(backend: ShopBackend) -> Cart | None:
    """A cart with the first product that can be added without options; None where there is none."""
    found = await backend.search(SearchQuery(size=MAX_PRODUCTS_TRIED))
    made: Cart | None = None
    for product in found.products:
        if product.choose is None and product.in_stock:
            made = made or await backend.create_cart()
            try:
                return await backend.add_line(made.cart_id, product.sku, 1, {})
            except ShopMisconfigured:
                raise
            except ShopError:
                continue
    return None


def _payable(patient: ExaminedStore, offered: list[str]) -> list[Finding]:
    """One finding per configured payment method: whether the shop offers it for this cart."""
    payments, method = patient.behind.store.payments, patient.behind.method
    wanted = {"store.payments.method": method} if payments.provider else {}
    wanted |= {f"store.payments.offline ({code})": code for code in payments.offline}
    found = []
    for setting, code in wanted.items():
        if code in offered:
            found.append(ok(f"The shop can be paid by {code}."))
        else:
            there = list_names(offered) or "none"
            fix = f"Switch {code} on in the shop, or set {setting.partition(' ')[0]} to what it has: {there}."
            found.append(fault(f"The shop does not offer {code} for this cart, which {setting} wants.", fix))
    return found


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_guests,
    check_least_order,
    check_coupons,
    check_sign_ins,
    check_account,
    check_cart,
)
