"""Wishes that end with a cart: finding, choosing, and what it costs."""

from collections.abc import Iterable

from tests.fakes.agent import Json
from tests.journeys.wishes.shopper import ADA, EMAIL, Shopper, Wish, destination, goods, minor, prices

HOBART: Json = ADA | {"street": "3 Salamanca Place", "city": "Hobart", "region": "TAS", "postcode": "7000"}
ADELAIDE: Json = ADA | {"street": "5 King William Street", "city": "Adelaide", "region": "SA", "postcode": "5000"}
BUDGET = 4_000
"""Cents for a gift, delivered."""


async def variants(shopper: Shopper) -> None:
    found = await shopper.does("search_products", query="club tee")
    [tee] = found["products"]
    assert tee["choose"] == "variant"
    read = await shopper.does("get_product", sku=tee["sku"])
    cart_id = await shopper.fills()
    for size in ("M", "L"):
        sku = variant(read, Colour="Black", Size=size)["sku"]
        cart = await shopper.does("add_to_cart", cart_id=cart_id, sku=sku)
    assert goods(cart) == {"TEE-BLACK-M": 1, "TEE-BLACK-L": 1}
    assert minor(cart) == {"subtotal": 5_000, "total": 5_000}


async def cheapest_deliverable(shopper: Shopper) -> None:
    found = await shopper.does("search_products", sort="price_low", page_size=5)
    cheapest = next(product for product in found["products"] if product.get("in_stock", True))
    cart_id = await shopper.fills(cheapest["sku"])
    quote = await shopper.does("get_shipping_methods", cart_id=cart_id, address=destination(HOBART))
    assert "estimate" not in quote
    order = {"email": EMAIL, "shipping_address": HOBART, "shipping_method": cheapest_way(quote)}
    priced = await shopper.does("place_order", cart_id=cart_id, **order, dry_run=True)
    assert cheapest["sku"] == "FUN-7"
    assert priced["status"] == "ready"
    assert minor(priced) == {"subtotal": 500, "shipping": 1_595, "total": 2_095}


async def engraved_gift(shopper: Shopper) -> None:
    found = await shopper.does("search_products", query="engraved mug")
    assert "GIFT-MUG" in [product["sku"] for product in found["products"]]
    mug = await shopper.does("get_product", sku="GIFT-MUG")
    engraving, size = mug["custom_options"]
    large = next(one for one in size["values"] if one["title"] == "Large")
    assert (engraving["surcharge"]["minor"], large["surcharge"]["minor"]) == (500, 300)
    cart_id = await shopper.fills()
    options = {engraving["id"]: "THE BEST AUNT OF SOUTH AUSTRALIA", size["id"]: large["id"]}
    told = await shopper.is_refused("add_to_cart", cart_id=cart_id, sku="GIFT-MUG", options=options)
    assert told.code == "options_required"
    assert "at most 20 characters" in told.text
    [limited] = [one for one in told.detail["custom_options"] if one["id"] == engraving["id"]]
    assert (limited["max_length"], limited["surcharge"]["minor"]) == (20, 500)
    options |= {engraving["id"]: "BEST AUNT"}
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku="GIFT-MUG", options=options)
    assert cart["lines"][0]["options"] == {"Engraving": "BEST AUNT", "Mug size": "Large"}
    assert minor(cart) == {"subtotal": 2_700, "total": 2_700}


async def two_variants_and_a_coupon(shopper: Shopper) -> None:
    read = await shopper.does("get_product", sku="TEE")
    chosen = [variant(read, Colour="Blue", Size="M")["sku"], variant(read, Colour="Green", Size="L")["sku"]]
    cart_id = await shopper.fills(*chosen)
    cart = await shopper.does("apply_coupon", cart_id=cart_id, code="SAVE10")
    assert goods(cart) == {"TEE-BLUE-M": 1, "TEE-GREEN-L": 1}
    assert cart["coupon"] == "SAVE10"
    assert minor(cart) == {"subtotal": 5_000, "discount": 500, "total": 4_500}


async def dead_coupon(shopper: Shopper) -> None:
    cart_id = await shopper.fills("JAR-DILL")
    told = await shopper.is_refused("apply_coupon", cart_id=cart_id, code="SUMMER24")
    assert told.code == "invalid_coupon"
    assert "Do not guess codes" in told.text
    cart = await shopper.does("view_cart", cart_id=cart_id)
    assert "coupon" not in cart
    assert minor(cart) == {"subtotal": 950, "total": 950}


async def quotes_at_home_and_abroad(shopper: Shopper) -> None:
    cart_id = await shopper.fills("JAR-DILL")
    perth = {"country": "AU", "region": "WA", "postcode": "6000"}
    home = await shopper.does("get_shipping_methods", cart_id=cart_id, address=perth)
    assert prices(home) == {"auspost_parcel": 1_595, "auspost_express": 2_145}
    abroad = await shopper.does("get_shipping_methods", cart_id=cart_id, address={"country": "NZ", "postcode": "1010"})
    assert prices(abroad) == {"auspost_international": 1_995}
    vague = await shopper.does("get_shipping_methods", cart_id=cart_id, address={"country": "AU"})
    assert vague["estimate"] is True
    assert vague["depends_on"] == ["region", "postcode"]


async def best_or_substitute_under_a_price(shopper: Shopper) -> None:
    paddles = {"category": "pickleball/paddles", "max_price_minor": 20_000, "sort": "price_high", "page_size": 3}
    found = await shopper.does("search_products", **paddles)
    best = found["products"][0]
    assert best["price"]["minor"] == 19_900
    tee = await shopper.does("get_product", sku="TEE")
    wanted = variant(tee, Colour="Green", Size="XL")
    assert wanted["in_stock"] is False
    cart_id = await shopper.fills(best["sku"])
    told = await shopper.is_refused("add_to_cart", cart_id=cart_id, sku=wanted["sku"])
    assert told.code == "out_of_stock"
    near = next(one for one in tee["variants"] if one["options"]["Size"] == "XL" and one.get("in_stock", True))
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku=near["sku"])
    assert goods(cart) == {"PAD-11": 1, "TEE-BLACK-XL": 1}
    assert minor(cart) == {"subtotal": 22_400, "total": 22_400}


async def gift_under_a_budget_delivered(shopper: Shopper) -> None:
    gifts = {"category": "gifts", "max_price_minor": BUDGET, "sort": "price_high", "page_size": 20}
    found = await shopper.does("search_products", **gifts)
    plain = [product for product in found["products"] if "choose" not in product and product.get("in_stock", True)]
    cart_id = await shopper.fills(plain[0]["sku"])
    quote = await shopper.does("get_shipping_methods", cart_id=cart_id, address=destination(ADELAIDE))
    left = BUDGET - min(prices(quote).values())
    line = (await shopper.does("view_cart", cart_id=cart_id))["lines"][0]["line_id"]
    await shopper.does("remove_from_cart", cart_id=cart_id, line_id=line)
    fits = next(product for product in plain if product["price"]["minor"] <= left)
    await shopper.does("add_to_cart", cart_id=cart_id, sku=fits["sku"])
    order = {"email": EMAIL, "shipping_address": ADELAIDE, "shipping_method": cheapest_way(quote)}
    priced = await shopper.does("place_order", cart_id=cart_id, **order, dry_run=True)
    assert fits["sku"] == "BOOK-5"
    assert minor(priced) == {"subtotal": 2_700, "shipping": 1_195, "total": 3_895}


async def far_too_many(shopper: Shopper) -> None:
    cart_id = await shopper.fills()
    told = await shopper.is_refused("add_to_cart", cart_id=cart_id, sku="TEE-BLACK-M", quantity=999)
    assert told.code == "insufficient_stock"
    assert "Only 27 can be bought" in told.text
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku="TEE-BLACK-M", quantity=27)
    assert goods(cart) == {"TEE-BLACK-M": 27}
    assert minor(cart) == {"subtotal": 67_500, "total": 67_500}


async def change_of_mind(shopper: Shopper) -> None:
    cart_id = await shopper.fills()
    cart = await shopper.does("add_to_cart", cart_id=cart_id, sku="PAD-2", quantity=2)
    paddles = cart["lines"][0]["line_id"]
    cart = await shopper.does("update_cart_item", cart_id=cart_id, line_id=paddles, quantity=1)
    assert minor(cart) == {"subtotal": 27_900, "total": 27_900}
    await shopper.does("add_to_cart", cart_id=cart_id, sku="JAR-DILL")
    cart = await shopper.does("update_cart_item", cart_id=cart_id, line_id=paddles, quantity=0)
    assert goods(cart) == {"JAR-DILL": 1}
    cart = await shopper.does("apply_coupon", cart_id=cart_id, code="SAVE10")
    assert minor(cart) == {"subtotal": 950, "discount": 95, "total": 855}
    cart = await shopper.does("remove_coupon", cart_id=cart_id)
    assert goods(cart) == {"JAR-DILL": 1}
    assert minor(cart) == {"subtotal": 950, "total": 950}


def variant(product: Json, **options: str) -> Json:
    """The variant with these options."""
    [one] = [one for one in product["variants"] if one["options"] == options]
    found: Json = one
    return found


def cheapest_way(quote: Json) -> str:
    """The code of the shipping method that costs least."""
    offered = prices(quote)
    return min(offered, key=lambda code: offered[code])


CHOOSING: Iterable[Wish] = (
    Wish("Two black club tees, one M and one L.", "cart, 50.00", variants),
    Wish("The cheapest thing you have, sent to Hobart. What is it in all?", "priced, 20.95", cheapest_deliverable),
    Wish("A large mug with THE BEST AUNT OF SOUTH AUSTRALIA engraved, or shorter.", "cart, 27.00", engraved_gift),
    Wish("A blue tee in M and a green one in L, with my code SAVE10.", "cart, 45.00", two_variants_and_a_coupon),
    Wish("A jar of dills with my code SUMMER24.", "no: the code is not valid; cart, 9.50", dead_coupon),
    Wish(
        "What is the postage of a jar to Perth, and to Auckland?", "quotes, 15.95 and 19.95", quotes_at_home_and_abroad
    ),
    Wish(
        "The best paddle under 200, and a green tee in XL or what comes near.",
        "cart with a black one, 224.00",
        best_or_substitute_under_a_price,
    ),
    Wish("A gift, at most 40.00 delivered to Adelaide.", "priced, 38.95", gift_under_a_budget_delivered),
    Wish("999 black tees in M.", "no: 27 are there; cart, 675.00", far_too_many),
    Wish("Two paddles. No, one, and a jar. No paddle at all. Try SAVE10. Leave it.", "cart, 9.50", change_of_mind),
)
"""Ten of them."""
