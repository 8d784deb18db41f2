"""A catalogue with every product type of Maho, for those who test against them; ids above those of the others."""

from typing import Final

from msgspec.structs import replace

from storefront_mcp.demo.catalogue.model import (
    DemoBundleOption,
    DemoCatalogue,
    DemoOption,
    DemoOptionChoice,
    DemoProduct,
    DemoSelection,
    SaleRules,
)
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse, slug

FIRST_ID: Final = 5001
STOCK_PIECES: Final = 100_000
ODD_NAME: Final = "Ünï \"Quoted\" <b>Paddle</b> & Söhne’s &amp; &lt;i&gt; 'x' — 日本語"  # noqa: RUF001


def every_kind() -> DemoCatalogue:
    """Pickle Warehouse, and a product of each type; categories with markup in their description, or without one."""
    catalogue = pickle_warehouse()
    net, jar = (one for sku in ("NET-1", "JAR-DILL") if (one := catalogue.by_sku(sku)) is not None)
    paddles = [one for one in catalogue.products.values() if one.sku in {"PAD-1", "PAD-2"}]
    radio = tuple(
        DemoSelection(id=number, product=one.id, cents=one.price) for number, one in enumerate(paddles, start=1)
    )
    jars = DemoSelection(id=3, product=jar.id, cents=jar.price, qty=2, counted=True)
    options = (
        DemoBundleOption(id=1, title=None, kind="radio", required=True, selections=radio),
        DemoBundleOption(id=2, title="Snacks", kind="checkbox", required=False, selections=(jars,)),
    )
    surcharged = DemoSelection(id=4, product=paddles[0].id, cents=1000)
    extra_jar = replace(jars, id=5, cents=500)
    added = (
        DemoBundleOption(id=3, title=None, kind="radio", required=True, selections=(surcharged,)),
        DemoBundleOption(id=4, title="Snacks", kind="checkbox", required=False, selections=(extra_jar,)),
    )
    extras = (DemoOptionChoice(id=901, title="Gift wrap", cents=300), DemoOptionChoice(id=902, title='Card & "bow"'))
    written = (
        DemoOption(id=801, title="Day", kind="date"),
        DemoOption(id=802, title="Start", kind="date_time", required=False),
        DemoOption(id=803, title="Extras", kind="checkbox", required=False, choices=extras),
    )
    finishes = (DemoOptionChoice(id=916, title="Matte"), DemoOptionChoice(id=913, title="Gloss", cents=199))
    badges = (DemoOptionChoice(id=914, title="Red", cents=100), DemoOptionChoice(id=915, title="Green", cents=100))
    shared = (DemoOptionChoice(id=911, title="Gift wrap", cents=250), DemoOptionChoice(id=912, title="Bow", percent=10))
    optional = (
        DemoOption(id=811, title="Note", kind="area", required=False),
        DemoOption(id=812, title="Extras", kind="checkbox", required=False, choices=shared),
        DemoOption(id=813, title="Finish", kind="radio", required=False, choices=finishes),
        DemoOption(id=814, title="Badges", kind="multiple", required=False, choices=badges),
    )
    whole = (DemoOptionChoice(id=3, title="PDF"),)
    files = (DemoOptionChoice(id=1, title="Part one", cents=200), DemoOptionChoice(id=2, title="Part two", cents=350))
    made = (
        _product("BUNDLE-1", "Starter kit", kind="bundle", bundle=options),
        _product("GROUP-1", "Court set", cents=jar.price, kind="grouped", members=((net.id, 1), (jar.id, 2))),
        _product("DL-1", "Training video", cents=1500, kind="downloadable", links=files),
        _product("VIRT-1", "Coaching hour", cents=6000, kind="virtual", virtual=True),
        _product("GC-1", "Gift card", kind="giftcard", amounts=(2500, 5000), amount_range=(1000, 20_000)),
        _product("TIER-1", "Overgrip roll", cents=1000, tiers=((5, 850), (10, 725))),
        _product("MIN-3", "Court tape", cents=400, rules=SaleRules(least=3, most=9)),
        _product("STEP-6", "Lids", cents=200, rules=SaleRules(step=6)),
        _product("OPT-DATE", "Court lesson", cents=4000, options=written),
        _product("OPT-FILE", "Printed mug", cents=3000, options=(DemoOption(id=804, title="Logo", kind="file"),)),
        _product("BUNDLE-FIX", "Starter kit at a price", cents=30_000, kind="bundle", bundle=added),
        _product("DL-2", "E-book", cents=999, kind="downloadable", links=whole),
        _product("FREEV-1", "Trial lesson", kind="virtual", virtual=True),
        _product("DIS-1", "Former paddle", cents=5000, disabled=True),
        _product("WEIRD-1", ODD_NAME, cents=1234, categories=()),
        _product("OPT-ALL", "Trophy", cents=10_000, options=optional),
    )
    numbered = {number: replace(one, id=number) for number, one in enumerate(made, start=FIRST_ID)}
    forms = ("{}", "<p>{}</p>", "")
    categories = {
        number: replace(one, description=forms[number % len(forms)].format(one.description))
        for number, one in catalogue.categories.items()
    }
    return replace(catalogue, products={**catalogue.products, **numbered}, categories=categories)


def _product(sku: str, name: str, **more: object) -> DemoProduct:
    given = {"cents": 0, "stock": STOCK_PIECES, "categories": (4,), **more}
    about = {"summary": name, "description": f"{name} at length", "art": ""}
    return DemoProduct(id=0, sku=sku, url_key=slug(name), name=name, **about, **given)  # type: ignore[arg-type]
