"""Whether the shop behind the store is there, is the one that was meant, and sells."""

import statistics
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from storefront_mcp.backends.probing import Heard, ShopProbe, Unheard
from storefront_mcp.commerce.errors import PageNotFound
from storefront_mcp.commerce.search import Search
from storefront_mcp.doctor.findings import Check, Finding, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.doctor.words import NO_ANSWER, listed

SKEW: Final = 30.0
"""Seconds by which clocks may differ unnoticed."""
APART: Final = 300.0
"""Seconds from which on tokens and signatures are refused."""
SLOW: Final = 1.0
"""Seconds for one answer that agents begin to notice."""


@check("shop.reached", "The shop answers as it should", "shop")
async def reached(patient: Patient) -> Findings:
    """The simplest question there is, and what the answer tells of the address."""
    probe = patient.behind.probe
    try:
        heard = await probe.hello()
    except Unheard as unheard:
        says, fix = NO_ANSWER[unheard.why]
        yield fault(f"The shop {probe.address} {says}.", f"store.upstream.url: {fix}")
        return
    yield _of(probe, heard)


def _of(probe: ShopProbe, heard: Heard) -> Finding:
    """What an answer to the simplest question says of whoever gave it."""
    shop = f"The shop {probe.address}"
    if heard.redirects:
        there = _origin(heard.headers["location"])
        fix = f'Set store.upstream.url to "{there}".' if there else "Set store.upstream.url to where it leads."
        return fault(f"{shop} sends us elsewhere, to {heard.headers['location']}.", fix)
    if probe.switched_off(heard):
        return fault(
            f"{shop} has its {probe.interface} switched off.",
            f"Switch {probe.interface} on in the shop's configuration.",
        )
    if heard.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return fault(
            f"{shop} wants a login ({heard.status}).", "Let this machine in without one: its interface is for guests."
        )
    if heard.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return fault(
            f"{shop} is broken ({heard.status}).", "Look at the shop's own log; it may be in maintenance mode."
        )
    if probe.speaks(heard) and heard.status == HTTPStatus.OK:
        return ok(f"{probe.software} answers at {probe.address}.")
    return _somebody_else(probe, heard)


def _somebody_else(probe: ShopProbe, heard: Heard) -> Finding:
    """An answer, but of something else."""
    shop = f"The shop {probe.address}"
    if heard.json is None:
        what = "a web page" if heard.media_type == "text/html" else heard.media_type or "something"
        return fault(
            f"{shop} answers {heard.status} with {what} instead of JSON.",
            f"Set store.upstream.url to the address of a {probe.software} shop, and let {probe.interface} past any "
            "firewall or page cache before it.",
        )
    return fault(
        f"{shop} does not speak {probe.software}'s {probe.interface} ({heard.status}).",
        f"Set store.upstream.url to the address of a {probe.software} shop of version {probe.since} or later.",
    )


@check("shop.store-view", "The shop knows the store view", "shop", after=("shop.reached",))
async def store_view(patient: Patient) -> Findings:
    """An unknown one is refused with every call."""
    probe, code = patient.behind.probe, patient.behind.store.upstream.store_code
    if code is None:
        yield ok("The shop's own choice is used.")
    elif await probe.knows_store():
        yield ok(f"It knows {code}.")
    else:
        there = listed(await probe.stores()) or "none it would name"
        yield fault(f"It has no store view {code!r}.", f"Set store.upstream.store_code to one that it has: {there}.")


@check("shop.currency", "The shop sells in the currency of the settings", "shop", after=("shop.store-view",))
async def currency(patient: Patient) -> Findings:
    """A shop is asked in that currency with every call."""
    probe, wanted = patient.behind.probe, patient.behind.store.currency
    if await probe.knows_currency():
        yield ok(f"It answers in {wanted}.")
    else:
        there = listed(await probe.currencies()) or "none it would name"
        yield fault(
            f"It does not sell in {wanted}.",
            f"Set store.currency to one that the shop has ({there}), or add {wanted} to the shop's currencies.",
        )


@check("shop.clock", "The clocks agree", "shop", after=("shop.reached",))
async def clock(patient: Patient) -> Findings:
    """Tokens, signatures and expiry dates are compared with clocks."""
    heard = await patient.behind.probe.hello()
    if heard.date is None or "age" in heard.headers:
        yield ok("The shop does not say what time it is now.")
        return
    apart = abs((heard.date - patient.now()).total_seconds())
    says = f"The shop's clock and ours are {apart:.0f} s apart."
    fix = "Let both machines take their time from NTP."
    if apart >= APART:
        yield fault(says, fix)
    elif apart >= SKEW:
        yield warning(says, fix)
    else:
        yield ok("They are less than 30 s apart.")


@check("shop.flavour", "The shop's software has what we use", "shop", after=("shop.reached",))
async def flavour(patient: Patient) -> Findings:
    """What older versions lack is worked around, but for orders."""
    probe = patient.behind.probe
    found = await probe.flavour()
    says = f"It is {probe.software}, {found.name}."
    if len(found.lacks) > 1:
        yield warning(
            f"{says} It has no {listed(found.lacks)}.",
            f"Update {probe.software} to {probe.since} or later before orders are taken.",
        )
    elif found.lacks:
        yield note(f"{says} It has no {listed(found.lacks)}, which we do not need.")
    else:
        yield ok(says)


@check("shop.catalogue", "There is something to sell", "shop", after=("shop.currency",))
async def catalogue(patient: Patient) -> Findings:
    """Through the same words as agents: a search, a product, the categories."""
    backend = patient.behind.backend
    found = await backend.search(Search(size=5))
    if not found.products:
        yield warning(
            "A search for everything finds no product.",
            "Give the store view products that are enabled and visible in search, and rebuild the shop's search index.",
        )
        return
    product = await backend.product(found.products[0].sku)
    yield ok(f"It sells {found.total or 'some'} products, {product.sku} for {product.price}.")
    if not await backend.categories(None, depth=1):
        yield warning("It has no categories.", "Give the store view a root category with categories in the menu.")
    free = [str(one.sku) for one in found.products if not one.price]
    if free:
        yield warning(f"{listed(free)} cost nothing.", "Check the prices of these products, or their price index.")


@check("shop.speed", "The shop answers quickly", "shop", after=("shop.catalogue", "shop.flavour"))
async def speed(patient: Patient) -> Findings:
    """The answers that other checks have waited for."""
    probe = patient.behind.probe
    await probe.hello()
    took = [one.seconds for one in probe.heard]
    middle, slowest = statistics.median(took), max(took)
    patience = patient.behind.store.upstream.timeouts.read
    says = f"Of {len(took)} answers, half took up to {middle:.2f} s, the slowest {slowest:.2f} s."
    if slowest >= patience / 2:
        yield warning(
            f"{says} We wait {patience:g} s.",
            "Switch the shop's caches on and look for slow queries, or raise store.upstream.timeouts.read.",
        )
    elif middle >= SLOW:
        yield warning(says, "Switch the shop's caches on, or put this server near the shop.")
    else:
        yield ok(f"Half of {len(took)} answers came within {SLOW:g} s.")


@check("shop.pages", "The pages that are republished exist", "shop", after=("shop.reached",))
async def pages(patient: Patient) -> Findings:
    """A link to a page that is not there is worse than none."""
    wanted = patient.behind.store.pages
    for identifier in wanted:
        try:
            await patient.behind.backend.page(identifier)
        except PageNotFound:
            yield warning(
                f"The shop has no page {identifier!r}.",
                f"Make that page in the shop, or take {identifier!r} out of store.pages.",
            )
        else:
            yield ok(f"There is {identifier}.")
    if not wanted:
        yield ok("None are.")


def _origin(location: str) -> str:
    """Scheme and host of where a redirect leads; empty where it stays on the host."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


CHECKS: Final[tuple[Check, ...]] = (reached, store_view, currency, clock, flavour, catalogue, speed, pages)
