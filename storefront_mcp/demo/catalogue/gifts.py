"""Gifts: mugs, hampers, paper and things that make people laugh; some are made to order."""

from storefront_mcp.demo.catalogue.model import Choice, CustomOption
from storefront_mcp.demo.catalogue.tables import Row, Shelf

_ENGRAVING = CustomOption(id=1, title="Engraving", kind="field", max_length=20, cents=5_00)
_MUG_SIZE = CustomOption(
    id=2,
    title="Mug size",
    kind="drop_down",
    choices=(Choice(id=1, title="Small"), Choice(id=2, title="Large", cents=3_00)),
)
_NAME_ON_LABEL = CustomOption(id=3, title="Name on the label", kind="field", max_length=24, cents=4_00)
_CARD_TEXT = CustomOption(id=4, title="Card message", kind="field", required=False, max_length=120)
_WRAPPING = CustomOption(
    id=5,
    title="Wrapping",
    kind="drop_down",
    required=False,
    choices=(
        Choice(id=3, title="Brown paper"),
        Choice(id=4, title="Gherkin paper", cents=2_50),
        Choice(id=5, title="Timber crate", cents=12_00),
    ),
)
_BOX = (_CARD_TEXT, _WRAPPING)

GIFTS = (
    Shelf(
        path=("Gifts", "Personalised", "Mugs and glassware"),
        art="mug",
        about="Engraved in the back room within two working days. Dishwasher-safe.",
        rows=(
            Row(
                "GIFT-MUG",
                "Custom Mug",
                19_00,
                380,
                "Stoneware with a pickle-green glaze and your word on it.",
                stock=50,
                options=(_ENGRAVING, _MUG_SIZE),
            ),
            Row("GIFT-STEIN", "Engraved Stein", 34_00, 720, "Half a litre of something cold.", options=(_ENGRAVING,)),
            Row(
                "GIFT-BOTTLE",
                "Engraved Drink Bottle",
                42_00,
                410,
                "Steel, 750 ml, keeps brine and water apart.",
                options=(_ENGRAVING,),
            ),
            Row(
                "GIFT-JAR",
                "Named Dill Jar",
                16_00,
                800,
                "Whole dills with somebody's name where ours should be.",
                options=(_NAME_ON_LABEL,),
            ),
            Row("GIFT-ESP", "Espresso Cups, pair", 29_00, 340, "Small, green, wide awake."),
            Row("GIFT-TUMB", "Jar Tumblers, set of 4", 36_00, 1500, "Preserving jars that gave up preserving."),
        ),
    ),
    Shelf(
        path=("Gifts", "Hampers", "Pickle hampers"),
        art="box",
        about="Packed to order, with straw. Contents change with the season and never get worse.",
        rows=(
            Row("HAMP-1", "Taster Hamper", 49_00, 2600, "Five small jars for the undecided.", options=_BOX),
            Row("HAMP-2", "Cheese Board Hamper", 79_00, 3900, "Cornichons, chutney, mustard, crackers.", options=_BOX),
            Row(
                "HAMP-3",
                "Hot Stuff Hamper",
                69_00,
                3300,
                "Four jars and a bottle of milk's phone number.",
                options=_BOX,
            ),
            Row("HAMP-4", "Ferment Hamper", 74_00, 4100, "Kraut, kimchi and a fork.", options=_BOX),
            Row("HAMP-5", "The Whole Barrel", 199_00, 11800, "Sixteen jars. Clear a shelf.", sale=179_00, options=_BOX),
        ),
    ),
    Shelf(
        path=("Gifts", "Hampers", "Court hampers"),
        art="box",
        about="For people who play before breakfast.",
        rows=(
            Row("HAMP-C1", "Dink and Drink Hamper", 89_00, 2400, "Balls, overgrips, stein, dills.", options=_BOX),
            Row(
                "HAMP-C2", "Captain's Thank You", 119_00, 3100, "What a club owes its captain, in a box.", options=_BOX
            ),
            Row(
                "HAMP-C3",
                "New Player Hamper",
                139_00,
                2900,
                "Starter paddle, balls, cap and a jar for courage.",
                options=_BOX,
            ),
            Row("HAMP-C4", "Sore Loser Hamper", 59_00, 1900, "Full sours and a wrist band.", stock=0, options=_BOX),
        ),
    ),
    Shelf(
        path=("Gifts", "Paper", "Books"),
        art="book",
        about="Printed on paper that takes a brine stain with dignity.",
        rows=(
            Row("BOOK-1", "The Crunch: 60 Pickles for One Kitchen", 39_00, 780, "Our own recipes, minus two secrets."),
            Row("BOOK-2", "Brine Time: Ferments Week by Week", 36_00, 690, "A diary with cabbage in it."),
            Row("BOOK-3", "From Dink to Drive", 34_00, 520, "Thirty lessons, all of them shorter than a warm-up."),
            Row("BOOK-4", "Doubles Without Divorce", 29_00, 380, "Communication for people who share a backhand."),
            Row("BOOK-5", "The Court Next Door", 27_00, 340, "A comic novel about noise complaints."),
        ),
    ),
    Shelf(
        path=("Gifts", "Paper", "Cards and prints"),
        art="book",
        about="Riso-printed in two greens.",
        rows=(
            Row("CARD-1", "Kind of a Big Dill Card", 7_00, 30, "For birthdays and promotions."),
            Row("CARD-2", "Sorry I Poached Card", 7_00, 30, "Say it before the next game."),
            Row("CARD-3", "Card Box, 10 assorted", 42_00, 320, "Every apology a club season needs.", sale=36_00),
            Row("PRINT-1", "Cellar Print, A3", 45_00, 210, "Sixty-four jars, one of them smiling."),
            Row("PRINT-2", "Court Plan Print, A2", 55_00, 260, "The rectangle that ate your weekend."),
            Row("PRINT-3", "Field Guide to Gherkins, A2", 55_00, 260, "Twelve specimens, life-size."),
        ),
    ),
    Shelf(
        path=("Gifts", "Fun", "Novelty"),
        art="toy",
        about="Serious people may scroll on.",
        rows=(
            Row("FUN-1", "Squeaky Gherkin", 14_00, 90, "For dogs, and for meetings."),
            Row("FUN-2", "Pickle Ornament", 16_00, 60, "Hide it in the tree; finder goes first."),
            Row("FUN-3", "Plush Dill", 29_00, 220, "Thirty centimetres of moral support."),
            Row("FUN-4", "Gherkin Bicycle Bell", 19_00, 130, "Rings true."),
            Row("FUN-5", "Sticker Sheet", 6_00, 20, "Eleven stickers, one of them rude to lobbers."),
            Row("FUN-6", "Pickle Lip Balm", 8_00, 25, "Tastes of mint. We are not monsters."),
            Row("FUN-7", "Emergency Gherkin", 5_00, 95, "One, in a pouch, break seal if needed."),
            Row("FUN-8", "Enamel Pin Trio", 18_00, 40, "Paddle, ball, dill.", stock=0),
        ),
    ),
)
