"""Checks of the shop API: address, software, store view, currency, clock, catalogue, speed, pages."""

import statistics
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from storefront_mcp.backends.probe import ProbeFailed, ProbeResponse, ShopProbe
from storefront_mcp.backends.probe_failures import speaks_tls
from storefront_mcp.commerce.errors import PageNotFound
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.doctor.phrases import NO_ANSWER_TEXT, list_names, refusal_finding
from storefront_mcp.findings import Finding, fault, not_known, note, ok, warning

CLOCK_SKEW_SECONDS: Final = 30.0
"""Clock difference in seconds that is tolerated."""
MAX_CLOCK_DIFFERENCE_SECONDS: Final = 300.0
"""Clock difference in seconds at which tokens and signatures are rejected."""
_REFUSED: Final = frozenset({401, 403, 429})
SLOW_SECONDS: Final = 1.0
"""Median seconds per response from which agents notice."""


@check("shop.reached", "Does the shop answer as it should?", "shop")
async def check_reachable(patient: ExaminedStore) -> Findings:
    """Send the probe's simplest request and classify its response."""
    probe = patient.behind.probe
    try:
        response = await probe.hello()
    except ProbeFailed as failure:
        says, fix = NO_ANSWER_TEXT[failure.why]
        yield fault(f"The shop {probe.address} {says}.", f"store.upstream.url: {fix}")
        return
    if response.status == HTTPStatus.BAD_REQUEST and await speaks_tls(response.url):
        says, fix = NO_ANSWER_TEXT["encrypted"]
        yield fault(f"The shop {probe.address} {says}.", f"store.upstream.url: {fix}")
        return
    yield _of(probe, response)


def _of(probe: ShopProbe, response: ProbeResponse) -> Finding:
    """The finding for the response to the probe's simplest request."""
    shop = f"The shop {probe.address}"
    if response.redirects:
        there = _origin(response.headers["location"])
        fix = f'Set store.upstream.url to "{there}".' if there else "Set store.upstream.url to where it leads."
        return fault(f"{shop} sends us elsewhere, to {response.headers['location']}.", fix)
    if probe.is_switched_off(response):
        says, fix = probe.switched_off
        return fault(f"{shop} {says}.", fix)
    if response.status in _REFUSED or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return refusal_finding(shop, response)
    if probe.speaks(response) and response.status == HTTPStatus.OK:
        return ok(f"{probe.software} answers at {probe.address}.")
    return _somebody_else(probe, response)


def _somebody_else(probe: ShopProbe, response: ProbeResponse) -> Finding:
    """The fault for a response that is not of the expected software."""
    shop = f"The shop {probe.address}"
    if response.json is None:
        what = "a web page" if response.media_type == "text/html" else response.media_type or "something"
        return fault(
            f"{shop} answers {response.status} with {what} instead of JSON.",
            f"Set store.upstream.url to the address of a {probe.software} shop, and let {probe.interface} past any "
            "firewall or page cache before it.",
        )
    return fault(
        f"{shop} does not speak {probe.software}'s {probe.interface} ({response.status}).",
        f"Set store.upstream.url to the address of a {probe.software} shop of version {probe.since} or later.",
    )


@check("shop.maintenance", "Is the shop open to people, too?", "shop", after=("shop.reached",))
async def check_maintenance(patient: ExaminedStore) -> Findings:
    """The shop's web pages are not closed for maintenance, of which its API says nothing."""
    if not await patient.behind.probe.in_maintenance():
        yield ok("Its web pages are open.")
    elif patient.behind.store.upstream.close_in_maintenance:
        yield warning(
            "The shop is in maintenance mode, so cart and checkout are paused by themselves until it is out of it.",
            "End the maintenance of the shop; nothing else is to be done.",
        )
    else:
        yield fault(
            "The shop is in maintenance mode, and agents go on ordering there.",
            "Set store.upstream.close_in_maintenance to true, or pause cart and checkout.",
        )


@check("shop.store-view", "Does the shop know the store view?", "shop", after=("shop.reached",))
async def check_store_view(patient: ExaminedStore) -> Findings:
    """`store_code`, or `region`, is one that the shop has."""
    probe, upstream = patient.behind.probe, patient.behind.store.upstream
    setting, what = ("store_code", "store view") if upstream.region is None else ("region", "region")
    code = upstream.region or upstream.store_code
    if code is None:
        yield ok("The shop's own choice is used.")
    elif await probe.knows_store():
        yield ok(f"It knows {code}.")
    else:
        there = list_names(await probe.stores()) or "none it would name"
        yield fault(f"It has no {what} {code!r}.", f"Set store.upstream.{setting} to one that it has: {there}.")


@check("shop.currency", "Does the shop sell in the currency of the settings?", "shop", after=("shop.store-view",))
async def check_currency(patient: ExaminedStore) -> Findings:
    """`store.currency` is one that the shop has, as every call carries it."""
    probe, wanted = patient.behind.probe, patient.behind.store.currency
    if await probe.knows_currency():
        yield ok(f"It answers in {wanted}.")
    else:
        there = list_names(await probe.currencies()) or "none it would name"
        yield fault(
            f"It does not sell in {wanted}.",
            f"Set store.currency to one that the shop has ({there}), or add {wanted} to the shop's currencies.",
        )


@check("shop.clock", "Do the clocks agree?", "shop", after=("shop.reached",))
async def check_clock(patient: ExaminedStore) -> Findings:
    """Compare the shop's `Date` header with our clock, unless a cache answered (`Age`)."""
    response = await patient.behind.probe.hello()
    if response.date is None and patient.behind.store.upstream.kind == "demo":
        yield ok("The demo shop is in this process, so there is one clock.")
        return
    if response.date is None or "age" in response.headers:
        yield not_known("The shop does not say what time it is now, so the clocks could not be compared.")
        return
    apart = abs((response.date - patient.now()).total_seconds())
    says = f"The shop's clock and ours are {apart:.0f} s apart."
    fix = "Let both machines take their time from NTP."
    if apart >= MAX_CLOCK_DIFFERENCE_SECONDS:
        yield fault(says, fix)
    elif apart >= CLOCK_SKEW_SECONDS:
        yield warning(says, fix)
    else:
        yield ok("They are less than 30 s apart.")


@check("shop.flavour", "Does the shop's software have all that we use?", "shop", after=("shop.reached",))
async def check_version(patient: ExaminedStore) -> Findings:
    """The shop's version, and what it lacks; adapters work around it except for orders."""
    probe = patient.behind.probe
    found = await probe.version()
    says = f"It is {probe.software}, {found.name}."
    if len(found.lacks) > 1:
        yield warning(
            f"{says} It has no {list_names(found.lacks)}.",
            f"Update {probe.software} to {probe.since} or later before orders are taken.",
        )
    elif found.lacks:
        yield note(f"{says} It has no {list_names(found.lacks)}: {found.instead}.")
    else:
        yield ok(says)


@check("shop.catalogue", "Is there something to sell, with prices and categories?", "shop", after=("shop.currency",))
async def check_catalogue(patient: ExaminedStore) -> Findings:
    """Search, one product and the categories through the ShopBackend that tools use."""
    backend = patient.behind.backend
    found = await backend.search(SearchQuery(size=5))
    if not found.products:
        yield fault(
            "The shop has nothing to sell: a search for everything finds no product.",
            "Give the store view products that are enabled and visible in search, and rebuild the shop's search index.",
        )
        return
    product = await backend.product(found.products[0].sku)
    yield ok(f"It sells {found.total or 'some'} products, {product.sku} for {product.price}.")
    if not await backend.categories(None, depth=1):
        yield warning("It has no categories.", "Give the store view a root category with categories in the menu.")
    free = [str(one.sku) for one in found.products if not one.price]
    if free:
        yield warning(f"{list_names(free)} cost nothing.", "Check the prices of these products, or their price index.")


@check("shop.speed", "Does the shop answer quickly?", "shop", after=("shop.catalogue", "shop.flavour"))
async def check_speed(patient: ExaminedStore) -> Findings:
    """Median and maximum response time over all probe requests."""
    probe = patient.behind.probe
    await probe.hello()
    took = [one.seconds for one in probe.responses]
    middle, slowest = statistics.median(took), max(took)
    read_timeout = patient.behind.store.upstream.timeouts.read
    says = f"Of {len(took)} answers, half took up to {middle:.2f} s, the slowest {slowest:.2f} s."
    if slowest >= read_timeout / 2:
        yield warning(
            f"{says} We wait {read_timeout:g} s.",
            "Switch the shop's caches on and look for slow queries, or raise store.upstream.timeouts.read.",
        )
    elif middle >= SLOW_SECONDS:
        yield warning(says, "Switch the shop's caches on, or put this server near the shop.")
    else:
        yield ok(f"Half of {len(took)} answers came within {SLOW_SECONDS:g} s.")


@check("shop.pages", "Do the pages that are republished exist?", "shop", after=("shop.reached",))
async def check_pages(patient: ExaminedStore) -> Findings:
    """Every page of `store.pages` exists in the shop."""
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
    """Origin of an absolute `Location`; empty for a relative one."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_reachable,
    check_maintenance,
    check_store_view,
    check_currency,
    check_clock,
    check_version,
    check_catalogue,
    check_speed,
    check_pages,
)
