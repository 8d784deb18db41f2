"""What must be chosen of products that consist of others, of downloads and gift cards: one shape of options for all.

An agent sees them as custom options, and sends an object of option id to value; here they become the keys that Maho's
add call wants for each product type. Ids of Maho's own custom options are numbers, those made here are not.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho.shapes import BundleOptionShape, ProductDetail
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.options import Chosen, parse_amount
from storefront_mcp.commerce.product import CustomOption, OptionValue

PriceReader = Callable[[Decimal | None], Money]

BUNDLE_TYPE: Final = "bundle"
GROUPED_TYPE: Final = "grouped"
DOWNLOADABLE_TYPE: Final = "downloadable"
GIFT_CARD_TYPE: Final = "giftcard"
CHOSEN_TYPES: Final = frozenset({BUNDLE_TYPE, GROUPED_TYPE, GIFT_CARD_TYPE})
"""Product types that are never bought by their SKU alone."""

BUNDLE_PREFIX: Final = "bundle."
PARTS_ID: Final = "parts"
LINKS_ID: Final = "links"
AMOUNT_ID: Final = "amount"
MULTIPLE_TYPES: Final = frozenset({"checkbox", "multi"})
GIFT_CARD_TEXTS: Final = (
    ("recipient_name", "Recipient's name", "giftcardRecipientName", True),
    ("recipient_email", "Recipient's e-mail", "giftcardRecipientEmail", True),
    ("sender_name", "Sender's name", "giftcardSenderName", False),
    ("sender_email", "Sender's e-mail", "giftcardSenderEmail", False),
    ("message", "Message", "giftcardMessage", False),
)
"""Option id, title, key of the add call, and whether it is required: Maho sends the card to nobody without it."""
EMAIL_IDS: Final = frozenset({"recipient_email", "sender_email"})
MAX_MESSAGE_CHARS: Final = 500
MAX_VALUES: Final = 100
"""Values of one option that are shown."""


def offered_choices(found: ProductDetail, money: PriceReader) -> tuple[CustomOption, ...]:
    """The options that a product has by its type, besides its custom options."""
    if found.type == BUNDLE_TYPE:
        return tuple(_bundle_option(at, one, money) for at, one in enumerate(found.bundle_options, start=1))
    if found.type == GROUPED_TYPE:
        parts = tuple(
            OptionValue(
                id=str(one.id),
                title=sanitizing.line(one.name),
                surcharge=money(one.final_price or one.price),
                in_stock=one.in_stock is not False,
            )
            for one in found.grouped_products[:MAX_VALUES]
        )
        return (CustomOption(id=PARTS_ID, title="Parts", kind="amounts", required=True, values=parts),)
    if found.type == DOWNLOADABLE_TYPE and found.links_purchased_separately:
        links = tuple(
            OptionValue(id=str(one.id), title=sanitizing.line(one.title), surcharge=money(one.price) or None)
            for one in found.downloadable_links[:MAX_VALUES]
        )
        title = sanitizing.line(found.links_title) or "Downloads"
        return (CustomOption(id=LINKS_ID, title=title, kind="choices", required=True, values=links),)
    return _gift_card_options(found, money) if found.type == GIFT_CARD_TYPE else ()


def sent_choices(found: ProductDetail, chosen: Chosen) -> dict[str, object]:
    """The keys of the add call for resolved options, those of Maho's own custom options under `options`."""
    own = {id_: value if isinstance(value, str) else list(value) for id_, value in chosen.items() if id_.isdecimal()}
    body: dict[str, object] = {"options": own} if own else {}
    if found.type == BUNDLE_TYPE:
        body |= _sent_bundle(
            {id_.removeprefix(BUNDLE_PREFIX): value for id_, value in chosen.items() if id_ not in own}
        )
    if isinstance(pieces := chosen.get(PARTS_ID), tuple):
        body["superGroup"] = dict(map(parse_amount, pieces))
    if isinstance(links := chosen.get(LINKS_ID), tuple):
        body["links"] = [int(one) if one.isdecimal() else one for one in links]
    if found.type == GIFT_CARD_TYPE:
        if isinstance(amount := chosen.get(AMOUNT_ID), str):
            body["giftcardAmount"] = _number(amount)
        body |= {key: chosen[id_] for id_, _, key, _ in GIFT_CARD_TEXTS if id_ in chosen}
    return body


def _bundle_option(number: int, option: BundleOptionShape, money: PriceReader) -> CustomOption:
    several = option.type in MULTIPLE_TYPES
    counted = several and any(one.can_change_qty for one in option.selections)
    kind: Literal["amounts", "choices", "choice"] = "amounts" if counted else "choices" if several else "choice"
    return CustomOption(
        id=f"{BUNDLE_PREFIX}{option.id}",
        title=sanitizing.line(option.title) or f"Part {number}",
        kind=kind,
        required=bool(option.required),
        values=tuple(
            OptionValue(
                id=str(one.id),
                title=sanitizing.line(one.name),
                surcharge=money(one.price) or None,
                in_stock=one.in_stock is not False,
                pieces=_whole(one.default_qty) if (_whole(one.default_qty) or 1) > 1 else None,
            )
            for one in option.selections[:MAX_VALUES]
        ),
    )


def _sent_bundle(chosen: Mapping[str, str | tuple[str, ...]]) -> dict[str, object]:
    options: dict[str, object] = {}
    pieces: dict[str, dict[str, int]] = {}
    for id_, value in chosen.items():
        if isinstance(value, str):
            options[id_] = value
            continue
        options[id_] = [parse_amount(one)[0] for one in value]
        counted = dict(parse_amount(one) for one in value if ":" in one)
        if counted:
            pieces[id_] = counted
    return {"bundleOption": options} | ({"bundleOptionQty": pieces} if pieces else {})


def _gift_card_options(found: ProductDetail, money: PriceReader) -> tuple[CustomOption, ...]:
    least, most = found.giftcard_min_amount, found.giftcard_max_amount
    amounts: Sequence[Decimal] = found.giftcard_amounts[:MAX_VALUES]
    ranged = least is not None and most is not None
    bounds = f" ({money(least)} to {money(most)})" if ranged else ""
    # With a range any amount in it is taken, and the fixed ones are suggestions.
    values = tuple(OptionValue(id=f"{one:f}", title=str(money(one))) for one in amounts)
    amount = CustomOption(
        id=AMOUNT_ID,
        title=f"Amount{bounds}",
        kind="text" if ranged or not values else "choice",
        required=True,
        max_length=12,
        values=values,
    )
    texts = (
        CustomOption(id=id_, title=title, kind="text", required=required, max_length=MAX_MESSAGE_CHARS)
        for id_, title, _, required in GIFT_CARD_TEXTS
    )
    return (amount, *texts)


def _number(text: str) -> int | float | str:
    """A JSON number of an amount; another text is sent as it is, and refused by the shop."""
    try:
        amount = Decimal(text.strip())
    except ArithmeticError:
        return text
    return (int(amount) if amount == int(amount) else float(amount)) if amount.is_finite() else text


def _whole(quantity: Decimal | None) -> int | None:
    return int(quantity) if quantity is not None and quantity.is_finite() and 0 < quantity < 10**9 else None
