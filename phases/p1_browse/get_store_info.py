"""Who the shop is, and what it says of itself."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from storefront_mcp.commerce.product import MAX_PART_CHARS
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool

Topic = Literal["about", "shipping", "returns", "payment", "privacy", "contact", "coupons"]
PAGE_WORDS: Final[dict[Topic, tuple[str, ...]]] = {
    "about": ("about",),
    "shipping": ("shipping", "delivery"),
    "returns": ("return", "refund", "cancel"),
    "payment": ("payment", "paying"),
    "privacy": ("privacy",),
    "contact": ("contact", "imprint", "impressum", "legal"),
    "coupons": ("coupon", "voucher", "promo", "gift-card"),
}
"""Words in the identifiers of pages, by topic."""


PAID_ON_A_PAGE: Final = (
    "The buyer pays on the page at continue_url, which place_order answers; it shows what can be paid with. A declined "
    "card charges nothing and leaves that page open: the buyer tries again there."
)
TEST_MODE: Final = "The shop is in test mode: paying charges nothing."
NO_PUBLIC_CODES: Final = (
    "The shop publishes no codes here, so there is none to offer or guess. A code that the buyer has goes into "
    "apply_coupon, or apply_gift_card for a gift card; the answer says whether the shop takes it."
)


CHARGED: Final = "Every price is in {0} and is charged in {0}, whatever sign a page writes before it."


class GetStoreInfo(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What about."""

    topic: Annotated[Topic, Meta(description="Default: about")] = "about"


class StoreInfo(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Facts of the store, and its own page on the topic."""

    name: str
    legal_name: str | None = None
    address: str | None = None
    contact: str | None = None
    website: str | None = None
    currency: Annotated[str, Meta(description="ISO 4217, of every amount here")]
    charged: Annotated[str, Meta(description="Which money amounts are")] = ""
    language: str
    about: str = ""
    countries: Annotated[tuple[str, ...], Meta(description="Served, ISO 3166-1 alpha-2")] = ()
    payment_methods: tuple[str, ...] = ()
    delivery_times: Annotated[dict[str, str], Meta(description="By shipping method")] = {}
    guest_orders: bool = True
    page: Annotated[str, Meta(description="The shop's own words, Markdown")] = ""
    pages: Annotated[tuple[str, ...], Meta(description="Further pages: shop://page/{identifier}")] = ()
    notice: str | None = None
    stale: bool = False
    """The shop does not answer now: this may have changed."""


@tool()
async def get_store_info(args: GetStoreInfo, shop: Shop) -> StoreInfo:
    """Read who the shop is, where it delivers, how it is paid; its own words on a topic."""
    store = shop.store
    facts = await shop.backend.store_facts()
    words = PAGE_WORDS[args.topic]
    identifier = next((page for page in store.pages if any(word in page for word in words)), None)
    page = None if identifier is None else await shop.backend.page(identifier)
    text = None if page is None else page.markdown
    methods = (
        shop.checkouts.ways_to_pay(facts.payment_methods)
        if shop.checkouts is not None and args.topic in {"about", "payment"}
        else ()
    )
    told = _notice(args.topic, shop, answered=text is not None or bool(methods))
    return StoreInfo(
        name=store.name,
        legal_name=store.legal_name,
        address=store.address,
        contact=store.contact,
        website=store.website,
        currency=store.currency,
        charged=CHARGED.format(store.currency) if args.topic in {"about", "payment"} else "",
        language=store.locale,
        about=store.tagline,
        countries=facts.countries if args.topic in {"about", "shipping"} else (),
        payment_methods=methods,
        delivery_times=dict(store.delivery_times) if args.topic == "shipping" else {},
        guest_orders=facts.guest_orders,
        page="" if text is None else text[:MAX_PART_CHARS],
        pages=tuple(page for page in store.pages if page != identifier),
        stale=facts.stale or (page is not None and page.stale),
        notice=" ".join(filter(None, (shop.closed, told))) or None,
    )


def _notice(topic: Topic, shop: Shop, *, answered: bool) -> str | None:
    """What to say of a topic that the answer has nothing on, and how one pays."""
    store = shop.store
    if topic == "payment":
        is_test = shop.checkouts is not None and shop.checkouts.is_test
        return f"{PAID_ON_A_PAGE} {TEST_MODE}" if is_test else PAID_ON_A_PAGE
    if answered or topic == "about" or (topic == "contact" and store.contact):
        return None
    if topic == "coupons":
        return NO_PUBLIC_CODES
    return f"The shop publishes nothing on {topic} here. Send the buyer to {store.staff}; make nothing up."
