"""Wishes that end with an answer: looking around, comparing, and who the shop is."""

from collections.abc import Iterable

from storefront_mcp.roadmap.terms import FlipTerms
from tests.fakes.agent import Json
from tests.journeys.wishes.choosing import cheapest_way
from tests.journeys.wishes.shopper import ADA, EMAIL, Shopper, Wish, destination, goods, minor

SERVED = ["AU", "AE", "AT", "CA", "CH", "DE", "EE", "ES", "FI", "FR", "GB", "HK", "IE", "NZ", "SG", "US"]
TOKYO: Json = {"country": "JP", "postcode": "100-0001", "city": "Tokyo"}


async def category_walk(shopper: Shopper) -> None:
    tree = await shopper.does("list_categories")
    pickles = named(tree["categories"], "Pickles")
    cucumbers = named(pickles["children"], "Cucumbers")
    assert cucumbers["more_below"] is True
    below = await shopper.does("list_categories", parent=cucumbers["path"])
    assert [one["name"] for one in below["categories"]] == ["Whole dills", "Spears and chips", "Bread and butter"]
    dills = named(below["categories"], "Whole dills")
    asked = {"category": dills["path"], "sort": "name", "page_size": 12}
    first = await shopper.does("search_products", **asked)
    rest = await shopper.does("search_products", **asked, cursor=first["next_cursor"])
    assert "next_cursor" not in rest
    skus = {product["sku"] for product in (*first["products"], *rest["products"])}
    assert len(skus) == first["total"] == dills["products"] == 21


async def colours_and_comparison(shopper: Shopper) -> None:
    hoodie = await shopper.does("get_product", sku="HOOD")
    assert {axis["label"]: axis["values"] for axis in hoodie["axes"]}["Colour"] == ["Black", "Green"]
    thin = await shopper.does("get_product", sku="PAD-1")
    thick = await shopper.does("get_product", sku="PAD-2")
    assert (thin["price"]["minor"], thick["price"]["minor"]) == (32_900, 27_900)
    assert thick["list_price"]["minor"] == 32_900
    assert "14 mm core: quicker hands" in thin["description"]
    assert "16 mm core: softer feel" in thick["description"]


async def returns_japan_and_who_are_you(shopper: Shopper) -> None:
    returns = await shopper.does("get_store_info", topic="returns")
    assert "within 30 days" in returns["page"]
    about = await shopper.does("get_store_info")
    assert about["name"] == "Pickle Warehouse"
    assert about["countries"] == SERVED
    contact = await shopper.does("get_store_info", topic="contact")
    assert contact["legal_name"] == "Pickle Warehouse Pty Ltd"
    assert contact["contact"]
    assert contact["address"]
    payment = await shopper.does("get_store_info", topic="payment")
    assert payment.get("payment_methods") or "continue_url" in payment["notice"]
    cart_id = await shopper.fills("JAR-DILL")
    told = await shopper.is_refused("get_shipping_methods", cart_id=cart_id, address=TOKYO)
    assert told.code == "country_not_served"
    assert told.detail == {"countries": SERVED}


async def typos_and_plurals(shopper: Shopper) -> None:
    many = await shopper.does("search_products", query="wooden paddles", sort="price_low")
    one = await shopper.does("search_products", query="wooden paddle", sort="price_low")
    assert many["products"] == one["products"]
    misspelt = await shopper.does("search_products", query="woodn padle", sort="price_low")
    if not misspelt["products"]:
        assert "list_categories" in " ".join(misspelt["hints"])
        tree = await shopper.does("list_categories")
        paddles = named(named(tree["categories"], "Pickleball")["children"], "Paddles")
        misspelt = await shopper.does("search_products", category=paddles["path"], sort="price_low", page_size=3)
    cart_id = await shopper.fills()
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku=misspelt["products"][0]["sku"])
    assert goods(cart) == {"PAD-W4": 1}
    assert minor(cart) == {"subtotal": 1_800, "total": 1_800}


async def pause_in_the_middle(shopper: Shopper) -> None:
    cart_id = await shopper.fills("TEE-BLUE-L")
    await shopper.sees_flips({"p2_cart": "paused", "p3_checkout": "paused"}, FlipTerms(reason="stocktaking"))
    try:
        told = await shopper.is_refused("add_to_cart", cart_id=cart_id, sku="JAR-DILL")
        assert told.code == "tool_not_open"
        assert "closed for now: stocktaking." in told.text
        assert "Nothing in a cart is lost" in told.text
        assert told.text.endswith(
            "What works: browse. So do get_order_status and cancel_checkout, for orders prepared before."
        )
        assert told.detail["retry_after"] == 120
        assert (await shopper.does("get_product", sku="JAR-DILL"))["price"]["minor"] == 950
    finally:
        await shopper.sees_flips({"p2_cart": "active", "p3_checkout": "active"})
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku="JAR-DILL")
    assert goods(cart) == {"TEE-BLUE-L": 1, "JAR-DILL": 1}
    quote = await shopper.does("get_shipping_methods", cart_id=cart_id, address=destination())
    order = {"email": EMAIL, "shipping_address": ADA, "shipping_method": cheapest_way(quote)}
    priced = await shopper.does("place_order", cart_id=cart_id, **order, dry_run=True)
    assert minor(priced) == {"subtotal": 3_450, "shipping": 1_195, "total": 4_645}


def named(categories: Iterable[Json], name: str) -> Json:
    """The category of this name."""
    return next(one for one in categories if one["name"] == name)


ASKING: Iterable[Wish] = (
    Wish("What kinds of whole dills have you got?", "21 products by way of three levels", category_walk),
    Wish("Which colours has the hoodie, and how do the two Gherkin Pros differ?", "answers", colours_and_comparison),
    Wish(
        "Can I return things, do you send to Japan, and who are you?",
        "answers; no to Japan",
        returns_japan_and_who_are_you,
    ),
    Wish("The cheapest woodn padle.", "cart, 18.00", typos_and_plurals),
    Wish("A tee and a jar; the shop pauses its cart in between.", "not now, then priced, 46.45", pause_in_the_middle),
)
"""Five of them."""
