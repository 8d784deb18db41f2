"""Apparel: everything here comes in colours and sizes."""

from storefront_mcp.demo.catalogue.tables import Art, Row, Shelf

_SIZES = ("S", "M", "L", "XL")
_ONE_SIZE = ("S/M", "L/XL")


def _in(colours: tuple[str, ...], sizes: tuple[str, ...] = _SIZES) -> dict[str, tuple[str, ...]]:
    return {"color": colours, "size": sizes}


def _shelf(branch: str, leaf: str, art: Art, about: str, *rows: Row) -> Shelf:
    return Shelf(path=("Apparel", branch, leaf), art=art, about=about, rows=rows)


_COTTON = "Combed cotton, pre-shrunk, printed in Footscray. Wash cold, dry in the shade."
_SPORT = "Quick-dry knit with UPF 50+, made from recycled bottles."

WARDROBE = (
    _shelf(
        "Tops",
        "Tees",
        "tee",
        _COTTON,
        Row(
            "TEE",
            "Club Tee",
            25_00,
            180,
            "The plain one with the small gherkin on the chest.",
            url_key="club-tee",
            axes=_in(("Black", "Blue", "Green")),
        ),
        Row(
            "TEE-DINK",
            "Dink Responsibly Tee",
            32_00,
            185,
            "A public service announcement.",
            axes=_in(("Black", "White")),
        ),
        Row(
            "TEE-KITCHEN",
            "Stay Out of the Kitchen Tee",
            32_00,
            185,
            "Good advice on court and on Christmas Day.",
            axes=_in(("White", "Green")),
        ),
        Row(
            "TEE-BRINE",
            "Fine Brine Tee",
            32_00,
            185,
            "A vintage label with a vintage grudge.",
            axes=_in(("Blue", "Sand")),
        ),
        Row(
            "TEE-ZERO",
            "Zero Zero Two Tee",
            32_00,
            185,
            "Only players get it. That is the joke.",
            sale=24_00,
            axes=_in(("Black", "Sand")),
        ),
        Row(
            "TEE-BIGDILL",
            "Kind of a Big Dill Tee",
            34_00,
            190,
            "Modest, for the size of the print.",
            axes=_in(("Green", "White")),
        ),
        Row(
            "TEE-LONG",
            "Long Rally Long Sleeve",
            45_00,
            240,
            "For mornings when the net has dew on it.",
            axes=_in(("Black", "Blue")),
        ),
    ),
    _shelf(
        "Tops",
        "Polos and tanks",
        "tee",
        _SPORT,
        Row(
            "POLO",
            "Match Polo",
            55_00,
            210,
            "Collared, so the club bar will serve you.",
            axes=_in(("White", "Blue", "Black")),
        ),
        Row(
            "POLO-W",
            "Match Polo, fitted",
            55_00,
            190,
            "The same cloth with a kinder cut.",
            axes=_in(("White", "Green")),
        ),
        Row("TANK", "Overhead Tank", 39_00, 150, "Shoulders free, excuses gone.", axes=_in(("White", "Black"))),
        Row("TANK-W", "Racerback Tank", 39_00, 140, "Light, long and quick to dry.", axes=_in(("Green", "Sand"))),
    ),
    _shelf(
        "Tops",
        "Hoodies and jackets",
        "tee",
        "Brushed inside, smooth outside, pockets that zip.",
        Row("HOOD", "Warehouse Hoodie", 79_00, 620, "For cellar work and cold benches.", axes=_in(("Black", "Green"))),
        Row("HOOD-ZIP", "Zip Hoodie", 89_00, 650, "Off between games without a fight.", axes=_in(("Black", "Sand"))),
        Row(
            "JACKET",
            "Drizzle Jacket",
            119_00,
            380,
            "Melbourne-proof for up to four seasons a day.",
            sale=99_00,
            axes=_in(("Blue", "Black")),
        ),
        Row(
            "VEST",
            "Warm-up Vest",
            69_00,
            300,
            "Keeps the middle warm and the arms honest.",
            axes=_in(("Black", "Blue")),
        ),
    ),
    _shelf(
        "Bottoms",
        "Shorts and skorts",
        "tee",
        _SPORT,
        Row(
            "SHORT-7",
            "Seven-inch Short",
            49_00,
            190,
            "A ball in each pocket and room for doubt.",
            axes=_in(("Black", "Blue")),
        ),
        Row("SHORT-9", "Nine-inch Short", 52_00, 205, "For players of a certain modesty.", axes=_in(("Black", "Sand"))),
        Row("SKORT", "Slice Skort", 59_00, 200, "Ball pocket under the hem.", axes=_in(("White", "Black", "Green"))),
        Row("SKORT-P", "Pleated Skort", 65_00, 220, "Swishes at deuce.", axes=_in(("White", "Blue"))),
    ),
    _shelf(
        "Bottoms",
        "Tights and track pants",
        "tee",
        _SPORT,
        Row(
            "TIGHT",
            "Baseline Tights",
            69_00,
            230,
            "High waist and a pocket for a phone or a gherkin.",
            axes=_in(("Black", "Green")),
        ),
        Row("TRACK", "Track Pants", 75_00, 420, "Tapered, so that lines stay visible.", axes=_in(("Black", "Blue"))),
    ),
    _shelf(
        "Accessories",
        "Headwear",
        "cap",
        "Sweatband inside, adjustable behind.",
        Row(
            "CAP",
            "Gherkin Cap",
            29_00,
            90,
            "Embroidered, slightly smug.",
            axes=_in(("Green", "Black", "White"), _ONE_SIZE),
        ),
        Row("VISOR", "Noon Visor", 25_00, 70, "Sun off, hair out.", axes=_in(("White", "Blue"), _ONE_SIZE)),
        Row(
            "BUCKET",
            "Bucket Hat",
            35_00,
            110,
            "Covers ears and the back of the neck.",
            axes=_in(("Sand", "Green"), _ONE_SIZE),
        ),
        Row(
            "BEANIE",
            "Cellar Beanie",
            32_00,
            95,
            "Merino, for brine at four degrees.",
            axes=_in(("Black", "Green"), _ONE_SIZE),
        ),
    ),
    _shelf(
        "Accessories",
        "Socks and bands",
        "sock",
        "Cushioned heel, arch support, left and right marked.",
        Row(
            "SOCK-CREW",
            "Crew Socks",
            16_00,
            70,
            "Gherkins all the way up.",
            axes=_in(("White", "Green", "Black"), _ONE_SIZE),
        ),
        Row(
            "SOCK-ANK",
            "Ankle Socks",
            13_00,
            50,
            "Low, light and easy to lose in the wash.",
            axes=_in(("White", "Black"), _ONE_SIZE),
        ),
        Row("SOCK-WOOL", "Wool Bench Socks", 24_00, 95, "For substitutes.", axes=_in(("Sand", "Blue"), _ONE_SIZE)),
        Row("WRIST", "Wristbands, pair", 12_00, 40, "Terry, thick, thirsty.", axes=_in(("White", "Green"), _ONE_SIZE)),
    ),
)
