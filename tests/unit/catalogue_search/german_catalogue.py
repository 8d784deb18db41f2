"""A small German shop: forty products whose names are compounds, with colours and sizes."""

from typing import Final

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute, DocumentCategory
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import OptionAxis, Product, Variant

CURRENCY: Final = "EUR"
_SHELVES: Final[dict[str, tuple[tuple[str, str, int, int | None, bool, str], ...]]] = {
    "Jacken": (
        ("JA-REGEN", "Leichte Regenjacke Nordsee", 8900, None, True, "Wasserdicht und atmungsaktiv, mit Kapuze."),
        ("JA-WINTER", "Gefütterte Winterjacke Alpen", 18900, 14900, True, "Warm bis minus zwanzig Grad."),
        ("JA-STRICK", "Strickjacke Merino", 7900, None, True, "Aus feiner Wolle, für kühle Abende."),
        ("JA-LAUF", "Laufjacke Tempo", 6900, None, False, "Winddicht, mit Reflektoren."),
    ),
    "Hosen": (
        ("HO-WANDER", "Wanderhose Harz", 7900, None, True, "Dehnbar und schnell trocknend."),
        ("HO-REGEN", "Regenhose Sylt", 5900, 4900, True, "Zum Überziehen, wasserdicht."),
        ("HO-KURZ", "Kurze Sporthose", 2900, None, True, "Leicht, mit Reißverschlusstasche."),
    ),
    "Schuhe": (
        ("SC-WANDER", "Wanderschuhe Brocken", 13900, None, True, "Knöchelhoch, mit griffiger Sohle."),
        ("SC-HAUS", "Hausschuhe Filz", 3900, None, True, "Aus Wollfilz, mit Ledersohle."),
        ("SC-LAUF", "Laufschuhe Blitz", 10900, 8900, True, "Gut gedämpft für lange Strecken."),
        ("SC-GUMMI", "Gummistiefel Pfütze", 4500, None, True, "Für Garten und Regen."),
    ),
    "Handschuhe und Mützen": (
        ("AC-HAND", "Handschuhe Loden", 2900, None, True, "Warm und winddicht."),
        ("AC-MUETZE", "Strickmütze Zopf", 2400, None, True, "Mit Bommel."),
        ("AC-HUT", "Sonnenhut Strand", 2900, None, True, "Breite Krempe, faltbar."),
        ("AC-SCHAL", "Wollschal Karo", 3500, None, True, "Zwei Meter lang."),
    ),
    "Taschen": (
        ("TA-RUCK", "Wanderrucksack 30 l", 9900, None, True, "Mit Regenhülle und Trinksystem."),
        ("TA-SPORT", "Sporttasche Halle", 4900, None, True, "Mit Schuhfach."),
        ("TA-EINKAUF", "Einkaufstasche Markt", 1900, None, True, "Aus Baumwolle."),
        ("TA-LAPTOP", "Laptophülle 14 Zoll", 2900, None, True, "Gepolstert."),
    ),
    "Küche": (
        ("KU-MESSER", "Brotmesser Solingen", 3900, None, True, "Wellenschliff, Griff aus Buche."),
        ("KU-KOCH", "Kochtopf 5 l", 5900, None, True, "Edelstahl, für Induktion."),
        ("KU-PFANNE", "Bratpfanne 28 cm", 4900, 3900, True, "Gusseisen."),
        ("KU-BRETT", "Schneidebrett Eiche", 2900, None, True, "Geölt."),
        ("KU-TASSE", "Kaffeetasse Blümchen", 1400, None, True, "Aus Steinzeug, 300 ml."),
        ("KU-GLAS", "Weingläser, 6 Stück", 3900, None, True, "Mundgeblasen."),
        ("KU-DOSE", "Brotdose Kinder", 1700, None, True, "Mit Trennsteg."),
    ),
    "Haushalt": (
        ("HA-LAMPE", "Schreibtischlampe Fokus", 6900, None, True, "Dimmbar, mit USB-Anschluss."),
        ("HA-STEH", "Stehlampe Bogen", 12900, None, True, "Zwei Meter hoch."),
        ("HA-KISSEN", "Kissenbezug Leinen", 2500, None, True, "40 x 40 cm."),
        ("HA-DECKE", "Wolldecke Schaf", 8900, None, True, "Schurwolle."),
        ("HA-HANDTUCH", "Handtücher Waffel, 4 Stück", 3900, None, True, "Saugstark."),
    ),
    "Technik": (
        ("TE-KOPF", "Kopfhörer Stille", 14900, 11900, True, "Mit Geräuschunterdrückung."),
        ("TE-LADE", "Ladegerät 65 W", 3900, None, True, "USB-C."),
        ("TE-UHR", "Armbanduhr Klassik", 19900, None, False, "Saphirglas."),
    ),
    "Geschenke": (
        ("GE-KORB", "Geschenkkorb Feinkost", 5900, None, True, "Senf, Gurken und Marmelade."),
        ("GE-KARTE", "Geschenkgutschein", 5000, None, True, "Einlösbar im ganzen Laden."),
        ("GE-BUCH", "Kochbuch Großmutters Küche", 2900, None, True, "Hundert Rezepte."),
        ("GE-TIER", "Plüschtier Igel", 1900, None, True, "Weich und waschbar."),
        ("GE-GURKE", "Gewürzgurken im Glas, 720 ml", 490, None, True, "Süßsauer eingelegt."),
        ("GE-SENF", "Mittelscharfer Senf", 390, None, True, "Im Steintopf."),
    ),
}
_COLOURS: Final = {"JA-REGEN": ("Rot", "Blau"), "JA-WINTER": ("Schwarz",), "HO-WANDER": ("Grün", "Schwarz")}


def german_documents() -> list[CatalogueDocument]:
    """All forty."""
    documents = []
    for shelf, rows in _SHELVES.items():
        place = DocumentCategory(id=CategoryId(shelf.lower()), name=shelf)
        for sku, name, cents, sale, in_stock, text in rows:
            colours = _COLOURS.get(sku, ())
            sizes = ("S", "M", "L") if colours else ()
            variants = tuple(
                Variant(sku=Sku(f"{sku}-{colour}-{size}".upper()), options={"Farbe": colour, "Größe": size})
                for colour in colours
                for size in sizes
            )
            axes = [("farbe", "Farbe", colours), ("groesse", "Größe", sizes)] if colours else []
            product = Product(
                sku=Sku(sku),
                name=name,
                price=Money(sale or cents, CURRENCY),
                list_price=Money(cents, CURRENCY) if sale else None,
                in_stock=in_stock,
                description=text,
                kind="configurable" if variants else "simple",
                axes=tuple(OptionAxis(label=label, values=values) for _, label, values in axes),
                variants=variants,
            )
            attributes = tuple(
                DocumentAttribute(code=code, label=label, values=values, axis=True) for code, label, values in axes
            )
            documents.append(CatalogueDocument(key=sku, product=product, attributes=attributes, categories=(place,)))
    return documents
