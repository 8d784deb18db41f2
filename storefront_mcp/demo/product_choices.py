"""What must be chosen of bundles, grouped products, downloads and gift cards: keys of a detail and of an add call."""

from collections.abc import Mapping
from typing import Any, Final

from storefront_mcp.demo.api_errors import ApiError, Json, bad_request
from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.currencies import DemoCurrency

GIFT_CARD_TEXTS: Final = (
    ("giftcardRecipientName", "Recipient Name"),
    ("giftcardRecipientEmail", "Recipient Email"),
    ("giftcardSenderName", "Sender Name"),
    ("giftcardSenderEmail", "Sender Email"),
    ("giftcardMessage", "Message"),
)
Chosen = tuple[list[tuple[str, str]], int]
"""Labels and values of what was chosen, and what one piece costs then, in AUD cents."""


def choice_shapes(catalogue: DemoCatalogue, product: DemoProduct, money: DemoCurrency) -> Json:
    """The keys of a product's detail that tell what must be chosen; keys without a value are left out."""

    def major(cents: int) -> object:
        return money.major(money.of(cents))

    tiers = [{"qty": qty, "price": major(cents), "savePercent": 15} for qty, cents in product.tiers]
    shape: Json = {"tierPrices": tiers}
    if product.bundle:
        fixed = int(product.cents > 0)
        shape |= {"priceType": fixed, "bundleOptions": [_bundle_shape(catalogue, one, major) for one in product.bundle]}
    if product.members:
        found = [(catalogue.products[member], qty) for member, qty in product.members]
        shape["minimalPrice"] = major(min(one.price for one, _ in found))
        shape["groupedProducts"] = [
            {"id": one.id, "sku": one.sku, "name": one.name, "price": major(one.price), "finalPrice": major(one.price)}
            | {"imageUrl": None, "inStock": True, "stockQty": one.stock, "defaultQty": qty, "position": at}
            for at, (one, qty) in enumerate(found, start=1)
        ]
    if product.links:
        shape |= {"linksTitle": "Downloads", "linksPurchasedSeparately": _are_bought_apart(product)}
        shape["downloadableLinks"] = [
            {"id": one.id, "title": one.title, "price": major(one.cents), "sortOrder": at, "sampleUrl": None}
            for at, one in enumerate(product.links)
        ]
    if product.amount_range is not None:
        least, most = product.amount_range
        shape |= {"giftcardType": "range", "giftcardAmounts": [major(one) for one in product.amounts]}
        shape |= {"giftcardMinAmount": major(least), "giftcardMaxAmount": major(most), "finalPrice": major(least)}
    return shape


def money_of_parts(product: DemoProduct, money: DemoCurrency) -> object:
    """The least that a bundle costs, in major units."""
    required = (option.selections for option in product.bundle if option.required)
    return money.major(money.of(sum(min(one.cents * one.qty for one in selections) for selections in required)))


def choose(
    catalogue: DemoCatalogue, product: DemoProduct, body: Mapping[str, Any], qty: int, money: DemoCurrency
) -> Chosen:
    """What a body chooses of a product, 400 for what is missing or unknown; a grouped product is not a line.

    `money` is what amounts of gift cards are in.
    """
    if product.kind == "bundle":
        return _chosen_parts(catalogue, product, body)
    if product.kind == "downloadable":
        return _chosen_links(product, body)
    if product.kind == "giftcard":
        return _chosen_amount(product, body, money)
    return [], next((cents for least, cents in reversed(product.tiers) if qty >= least), product.price)


def check_quantity(product: DemoProduct, qty: int) -> None:
    """422 for a quantity outside the product's rules, of the line as a whole."""
    rules = product.rules
    if qty < rules.least:
        raise ApiError(422, "unprocessable_entity", f"The minimum quantity allowed for purchase is {rules.least}.")
    if rules.most and qty > rules.most:
        raise ApiError(422, "unprocessable_entity", f"The maximum quantity allowed for purchase is {rules.most}.")
    if rules.step and qty % rules.step:
        message = f"This product is available for purchase in increments of {rules.step} only."
        raise ApiError(422, "unprocessable_entity", message)


def chosen_members(
    catalogue: DemoCatalogue, product: DemoProduct, body: Mapping[str, Any]
) -> list[tuple[DemoProduct, int]]:
    """The products of a grouped one that a body chooses, with their pieces; 400 without any."""
    given = body.get("superGroup") if isinstance(body.get("superGroup"), dict) else {}
    wanted = {str(number): int(qty) for number, qty in (given or {}).items()}
    found = [(catalogue.products[member], wanted.get(str(member), 0)) for member, _ in product.members]
    if not any(qty for _, qty in found):
        raise bad_request("Failed to add product: Please specify the quantity of product(s).")
    return [(member, qty) for member, qty in found if qty]


def _bundle_shape(catalogue: DemoCatalogue, option: Any, major: Any) -> Json:  # noqa: ANN401
    selections = [
        {
            "id": one.id,
            "productId": one.product,
            "sku": catalogue.products[one.product].sku,
            "name": catalogue.products[one.product].name,
            "price": major(one.cents),
            "priceType": "fixed",
            "inStock": True,
            "isDefault": False,
            "canChangeQty": one.counted,
            "defaultQty": one.qty,
        }
        for one in option.selections
    ]
    shape = {"id": option.id, "title": option.title, "type": option.kind, "required": option.required}
    return shape | {"selections": selections}


def _chosen_parts(catalogue: DemoCatalogue, product: DemoProduct, body: Mapping[str, Any]) -> Chosen:
    given, counts = body.get("bundleOption") or {}, body.get("bundleOptionQty") or {}
    chosen: list[tuple[str, str]] = []
    cents = product.price
    if not given:
        raise bad_request("Failed to add product: Please specify product option(s).")
    for option in product.bundle:
        wanted = given.get(str(option.id))
        ids = {str(one) for one in (wanted if isinstance(wanted, list) else [wanted] if wanted else [])}
        picked = [one for one in option.selections if str(one.id) in ids]
        if len(picked) != len(ids):
            raise bad_request("Failed to add product: Please specify product option(s).")
        if option.required and not picked:
            raise bad_request("Failed to add product: Required options are not selected.")
        for one in picked:
            pieces = int((counts.get(str(option.id)) or {}).get(str(one.id), one.qty)) if one.counted else one.qty
            cents += one.cents * pieces
            if option.title:
                named = f"{pieces} x {catalogue.products[one.product].name} ${one.cents / 100:.2f}"
                chosen.append((option.title, named))
    return chosen, cents


def _chosen_links(product: DemoProduct, body: Mapping[str, Any]) -> Chosen:
    wanted = {str(one) for one in body.get("links") or ()}
    if not _are_bought_apart(product):
        wanted = {str(one.id) for one in product.links}
    picked = [one for one in product.links if str(one.id) in wanted]
    if product.links and (not picked or len(picked) != len(wanted)):
        raise bad_request("Failed to add product: Please specify product link(s).")
    titles = ", ".join(one.title for one in picked)
    return [("Downloads", titles)] if picked else [], product.price + sum(one.cents for one in picked)


def _are_bought_apart(product: DemoProduct) -> bool:
    return any(link.cents for link in product.links)


def _chosen_amount(product: DemoProduct, body: Mapping[str, Any], money: DemoCurrency) -> Chosen:
    """Without an amount the smallest one, and without a recipient a card for nobody, as in real shops."""
    least, most = product.amount_range or (0, 0)
    cents = round(float(body.get("giftcardAmount") or 0) / float(money.rate) * 100) or least
    if not least <= cents <= most:
        side, bound = ("more", most) if cents > most else ("less", least)
        price = f'<span class="price">${bound / 100:.2f}</span>'
        raise bad_request(f"Failed to add product: Gift card amount cannot be {side} than {price}")
    return [(label, str(body[key])) for key, label in GIFT_CARD_TEXTS if body.get(key)], cents
