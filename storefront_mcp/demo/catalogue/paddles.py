"""The paddle wall."""

from storefront_mcp.demo.catalogue.tables import Row, Shelf

_CARBON = (
    ("Gherkin Pro", 329_00, 228, "Advanced", "Raw carbon face with enough bite to make a plastic ball reconsider."),
    ("Kosher Spin", 299_95, 226, "Advanced", "Peel-ply texture and a long handle for two-handed drama."),
    ("Brinefall", 289_00, 230, "Advanced", "Foam-walled edges that forgive what your footwork does not."),
    ("Cornichon Control", 249_00, 221, "Intermediate", "Small sweet spot? Not here. Resets land where you meant them."),
    ("Half Sour", 239_00, 224, "Intermediate", "Half power, half touch, for players who cannot decide at the line."),
    (
        "Dink Dynasty",
        259_00,
        219,
        "Intermediate",
        "Built for the long rally at the kitchen and the short temper after.",
    ),
    ("Kitchen Ruler", 219_00, 225, "Intermediate", "A wide body that blocks like a council planner."),
    ("Baseline Brute", 274_00, 236, "Advanced", "Elongated, head-heavy and entirely without manners."),
    ("Third Shot", 229_00, 223, "Intermediate", "Drops so soft that opponents check whether the point is over."),
    ("Night Harvest", 264_00, 227, "Advanced", "Matte black all over; the ball never sees it coming."),
    ("Salt Flat", 199_00, 222, "Intermediate", "First carbon paddle, honest price, no fairy tales on the box."),
    ("Crunch Time", 309_00, 229, "Advanced", "Stiff, loud within the rules and at its best at ten all."),
)
_FIBREGLASS = (
    ("Backyard Hero", 119_00, 232, "Beginner", "A lively fibreglass face that does half of the hitting for you."),
    ("Saturday Social", 99_00, 230, "Beginner", "Made for doubles, scones and a very relaxed view of the score."),
    ("Loud Neighbour", 129_00, 235, "Intermediate", "Plenty of pop for courts that are far from bedrooms."),
    ("Poppy", 109_00, 227, "Beginner", "Light, bright and quick at the net."),
    ("Club Loaner", 89_00, 238, "Beginner", "Survives lost property, car boots and other people's serves."),
    ("Sunny Side", 114_00, 229, "Beginner", "A rounded face with the sweet spot in the middle, where it belongs."),
    ("Fizz", 134_00, 226, "Intermediate", "Thin, springy, and a little too excited about overheads."),
    ("Long Weekend", 104_00, 233, "Beginner", "Packs flat next to the esky and comes back tanned."),
)
_CORES = (("14", "14 mm core: quicker hands, firmer punch."), ("16", "16 mm core: softer feel, calmer blocks."))

_CARBON_ABOUT = "Polymer honeycomb core, carbon fibre face, cushioned grip of 11 cm girth. Two-year warranty."
_GLASS_ABOUT = "Polymer honeycomb core, fibreglass face, edge guard all around. One-year warranty."


def _models(start: int, material: str, models: tuple[tuple[str, int, int, str, str], ...]) -> tuple[Row, ...]:
    rows = []
    for at, (name, cents, grams, skill, blurb) in enumerate(models):
        for core_at, (core, feel) in enumerate(_CORES):
            number = start + 2 * at + core_at
            rows.append(
                Row(
                    f"PAD-{number}",
                    f"{name} {core} {material} Paddle",
                    cents,
                    grams + int(core) - 14,
                    f"{blurb} {feel}",
                    sale={2: 279_00, 11: 199_00, 20: 224_00, 28: 84_00}.get(number),
                    stock={2: 48, 3: 0, 17: 0, 33: 0}.get(number),
                    url_key=f"{name} {material.split(maxsplit=1)[0]} {core}",
                    traits={"skill": skill},
                )
            )
    return tuple(rows)


PADDLES = (
    Shelf(
        path=("Pickleball", "Paddles", "Carbon fibre"),
        art="paddle",
        about=_CARBON_ABOUT,
        rows=_models(1, "Carbon", _CARBON),
    ),
    Shelf(
        path=("Pickleball", "Paddles", "Fibreglass"),
        art="paddle",
        about=_GLASS_ABOUT,
        rows=_models(25, "Fibreglass", _FIBREGLASS),
    ),
    Shelf(
        path=("Pickleball", "Paddles", "Wooden and starter"),
        art="paddle",
        about="Seven-ply timber with a wrapped handle. Schools and caravan parks buy these by the crate.",
        rows=(
            Row("PAD-W1", "Barrel Stave Wooden Paddle", 29_00, 310, "Solid birch ply that outlives the court."),
            Row("PAD-W2", "Woodshed Wooden Paddle", 24_50, 320, "Plain, sturdy and impossible to be precious about."),
            Row("PAD-W3", "Picnic Table Wooden Paddle", 27_00, 305, "Branded with a hot iron, one at a time."),
            Row("PAD-W4", "Crate Mate Wooden Paddle", 22_00, 330, "The honest one, for class sets.", sale=18_00),
            Row("PAD-W5", "Old Cooper Wooden Paddle", 34_00, 300, "Oiled finish and a leather wrist loop."),
            Row("PAD-W6", "First Rally Starter Paddle", 39_00, 245, "A composite step up from timber."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Paddles", "Junior"),
        art="paddle",
        about="Shorter handle and smaller grip for hands from five to eleven years.",
        rows=(
            Row("PAD-J1", "Little Dill Junior Paddle", 45_00, 190, "Feather-light, with a gherkin that winks."),
            Row(
                "PAD-J2", "Sprout Junior Paddle", 39_00, 185, "For the first season and the first argument about lines."
            ),
            Row("PAD-J3", "Tadpole Junior Paddle", 42_00, 188, "Bright edge guard, easy to find in long grass."),
            Row("PAD-J4", "Bubbles Junior Paddle", 42_00, 192, "Soft face, soft sound, soft on shins."),
            Row("PAD-J5", "Rocket Pickle Junior Paddle", 49_00, 198, "For juniors who already beat their parents."),
            Row("PAD-J6", "Pip Junior Paddle", 35_00, 180, "The smallest paddle on the wall.", stock=0),
        ),
    ),
    Shelf(
        path=("Pickleball", "Paddles", "Paddle sets"),
        art="paddle",
        about="Everything in one box, ready for the nearest flat surface.",
        rows=(
            Row("SET-2", "Two for the Driveway Set", 149_00, 720, "Two fibreglass paddles, four balls and chalk."),
            Row(
                "SET-4",
                "Family Barrel Set",
                239_00,
                1400,
                "Four paddles, six balls and a bag to lose them in.",
                sale=199_00,
            ),
            Row("SET-W4", "Holiday House Set", 119_00, 1650, "Four timber paddles that may live outdoors."),
            Row("SET-J2", "Cousins Set", 89_00, 560, "Two junior paddles and two soft balls."),
            Row(
                "SET-NET", "Instant Court Set", 389_00, 9800, "Portable net, four paddles, six balls, throw-down lines."
            ),
            Row("SET-CLUB", "Club Starter Crate", 890_00, 5200, "Twelve loaner paddles and forty-eight outdoor balls."),
        ),
    ),
)
