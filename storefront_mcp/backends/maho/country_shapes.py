"""Response structs of Maho's countries, with the fields that are used."""

from msgspec import Struct

from storefront_mcp.backends.maho.shapes import Id, Label, Many


class RegionShape(Struct, frozen=True):
    """A state or province."""

    id: Id
    code: Label = ""
    name: Label | None = None


class CountryShape(Struct, frozen=True, rename="camel"):
    """A country with its regions, if it has any."""

    id: str
    available_regions: Many[RegionShape] = []


class CountryNameShape(Struct, frozen=True, rename="camel"):
    """A country as it is called."""

    id: str
    name: Label | None = None
    iso3_code: Label | None = None
