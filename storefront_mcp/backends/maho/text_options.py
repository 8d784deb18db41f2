"""What a text on a product costs and how long it may be: Maho's products do not tell, so a cart is asked."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.choices import sent_choices
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.scratch_cart import CartTrial, ScratchCart
from storefront_mcp.backends.maho.shapes import ProductDetail
from storefront_mcp.backends.maho.tax_trial import TaxTrial
from storefront_mcp.commerce.errors import OptionsNeeded, ShopError
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.options import Chosen
from storefront_mcp.commerce.product import CustomOption, Product

log: Final = logging.getLogger(__name__)

TRIED_KINDS: Final = frozenset({"simple", "virtual"})
MAX_TRIED_OPTIONS: Final = 4
"""Texts of one product whose prices are asked for."""
MAX_TRIED_CHARS: Final = 1000
"""The longest refused text whose limit is looked for: ten trials."""
MAX_MEASURED_OPTIONS: Final = 2
"""Texts of one product whose limits are looked for before anybody sends one."""
MEASURED_CHARS: Final = 128
"""Length up to which they are: seven trials. A text that takes as many is not said to have a limit."""
MAX_KNOWN_TEXTS: Final = 2000
TEXT_TTL_SECONDS: Final = 3600.0
SAMPLE_TEXT: Final = "A"
TOO_LONG: Final = "text is too long"


class TextOptions:
    """Prices and limits of text options, learned by trial and cached by product and option."""

    def __init__(
        self, scratch: ScratchCart, tax: TaxTrial, price_mapper: PriceMapper, *, clock: Callable[[], float]
    ) -> None:
        self._scratch = scratch
        self._tax = tax
        self._price_mapper = price_mapper
        self._surcharges: TtlCache[tuple[int, str], tuple[Money, ...]] = TtlCache(
            size=MAX_KNOWN_TEXTS, seconds=TEXT_TTL_SECONDS, clock=clock
        )
        """Empty where a cart did not tell it."""
        self._limits: TtlCache[tuple[int, str], int] = TtlCache(
            size=MAX_KNOWN_TEXTS, seconds=TEXT_TTL_SECONDS, clock=clock
        )
        """0 where none is known, until the shop refuses a text."""
        self.caches: Final = (self._surcharges, self._limits)

    async def with_prices(self, found: ProductDetail, product: Product) -> Product:
        """The product with the surcharges and limits of its texts, as far as a cart tells them one by one."""
        texts = _tried_texts(product)
        for one in texts:
            with contextlib.suppress(ShopError):
                await self._learn_surcharge(found, product, one)
        for one in texts[:MAX_MEASURED_OPTIONS]:
            sample = None if one.max_length else _sample(product, one)
            if sample is not None and self._limits.find((found.id, one.id)) is None:
                await self._find_limit(found, product, sample, one, MEASURED_CHARS)
        return self.with_known(found, product)

    async def learn_required(self, found: ProductDetail, product: Product) -> bool:
        """Learn the surcharges of texts that must be given; whether a cart was asked. Raises as `ScratchCart`."""
        asked = False
        for one in _tried_texts(product):
            if one.required:
                asked |= await self._learn_surcharge(found, product, one)
        return asked

    def with_known(self, found: ProductDetail, product: Product) -> Product:
        """The product with the surcharges and limits of its texts that are known by now."""
        options = (
            replace(
                one,
                surcharge=one.surcharge or self._surcharge_of(found, one) or None,
                max_length=one.max_length or self._limits.find((found.id, one.id)) or None,
            )
            for one in product.custom_options
        )
        return replace(product, custom_options=tuple(options))

    def with_required(self, found: ProductDetail, product: Product) -> Product:
        """The product with the surcharges of texts that must be given: zero where they are known to cost nothing."""
        options = (
            replace(one, surcharge=self._surcharge_of(found, one)) if one.required and one.surcharge is None else one
            for one in product.custom_options
        )
        return replace(product, custom_options=tuple(options))

    def _surcharge_of(self, found: ProductDetail, option: CustomOption) -> Money | None:
        """The surcharge that a cart told."""
        return next(iter(self._surcharges.find((found.id, option.id)) or ()), None)

    async def explain_length(
        self, found: ProductDetail, product: Product, chosen: Chosen, refused: OptionsNeeded
    ) -> OptionsNeeded:
        """A refusal that names the limit, which the shop's own does not; any other refusal as it is."""
        if TOO_LONG not in str(refused).casefold():
            return refused
        for option in product.custom_options:
            text = chosen.get(option.id)
            if _is_own_text(option) and isinstance(text, str) and len(text) <= MAX_TRIED_CHARS:
                await self._find_limit(found, product, chosen, option, len(text))
        known = self.with_known(found, product)
        for option in known.custom_options:
            if option.max_length is not None and len(chosen.get(option.id, "")) > option.max_length:
                problem = f"{option.title!r} takes at most {option.max_length} characters."
                return OptionsNeeded(product.sku, problem, known.custom_options)
        return refused

    async def _learn_surcharge(self, found: ProductDetail, product: Product, option: CustomOption) -> bool:
        """Learn the surcharge, where it is not known; whether a cart was asked."""
        if option.surcharge is not None or self._surcharges.find((found.id, option.id)) is not None:
            return False
        self._surcharges[found.id, option.id] = ()
        sample = _sample(product, option)
        if sample is None:
            return False
        await self._tax.learn()
        self._surcharges[found.id, option.id] = await self._measure(found, product, sample)
        return True

    async def _measure(self, found: ProductDetail, product: Product, sample: Chosen) -> tuple[Money, ...]:
        """What a line with this choice costs more than the product and the values of the choice; empty if refused."""
        trial = await self._try(found, product, sample)
        if trial.cart is None or not trial.cart.items:
            return ()
        line = translation.cart(trial.cart, self._price_mapper, CartId("")).lines[0]
        ids = {id_ for value in sample.values() for id_ in ((value,) if isinstance(value, str) else value)}
        values = (value for option in product.custom_options for value in option.values if value.id in ids)
        known = sum((value.surcharge for value in values if value.surcharge is not None), product.price)
        return (Money(max((line.price - known).minor, 0), product.price.currency),)

    async def _find_limit(
        self, found: ProductDetail, product: Product, chosen: Chosen, option: CustomOption, length: int
    ) -> None:
        """Learn how long this text may be, up to a length, by halving; other texts are short meanwhile.

        What the shop does not tell then is left to its refusal.
        """
        short = {id_: value[:1] if _is_text_of(product, id_) else value for id_, value in chosen.items()}
        try:
            limit = await self._halve(found, product, short, option, length)
        except ShopError as error:
            log.info("the limit of a text was not learned: %s", error.internal)
        else:
            self._limits[found.id, option.id] = limit

    async def _halve(
        self, found: ProductDetail, product: Product, short: Chosen, option: CustomOption, length: int
    ) -> int:
        """The longest text that is taken; 0 where so long a one is, or something else is in the way."""
        whole = await self._try(found, product, short | {option.id: SAMPLE_TEXT * length})
        if whole.refused is None:
            return 0
        fits, fails = 0, length if TOO_LONG in str(whole.refused).casefold() else 0
        while fails - fits > 1:
            middle = (fits + fails) // 2
            trial = await self._try(found, product, short | {option.id: SAMPLE_TEXT * middle})
            if trial.refused is None:
                fits = middle
            elif TOO_LONG in str(trial.refused).casefold():
                fails = middle
            else:
                return 0
        return fits

    async def _try(self, found: ProductDetail, product: Product, chosen: Chosen) -> CartTrial:
        return await self._scratch.try_line({"sku": product.sku, "qty": 1} | sent_choices(found, chosen))


def _sample(product: Product, option: CustomOption) -> Chosen | None:
    """A choice with this text and else only what is required; None where that cannot be said for sure."""
    chosen: Chosen = {option.id: SAMPLE_TEXT}
    for other in product.custom_options:
        if other.id == option.id or not other.required:
            continue
        value = next((one.id for one in other.values if one.in_stock), None)
        if other.kind not in {"choice", "choices"} or value is None:
            return None
        chosen[other.id] = value if other.kind == "choice" else (value,)
    return chosen


def _tried_texts(product: Product) -> Sequence[CustomOption]:
    """The texts of a product that a cart can be asked about one by one."""
    texts = [one for one in product.custom_options if _is_own_text(one)]
    can_try = len(texts) <= MAX_TRIED_OPTIONS and product.kind in TRIED_KINDS and not product.min_quantity
    return texts if can_try else ()


def _is_own_text(option: CustomOption) -> bool:
    """Whether it is a custom option of the shop's that takes a text."""
    return option.kind == "text" and option.id.isdecimal()


def _is_text_of(product: Product, id_: str) -> bool:
    return any(one.id == id_ and one.kind == "text" for one in product.custom_options)
