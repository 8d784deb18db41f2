"""Balls, nets, court gear, training aids, bags and grips."""

from storefront_mcp.demo.catalogue.tables import Row, Shelf, packs

_PACKS = (3, 12, 48)

COURT = (
    Shelf(
        path=("Pickleball", "Balls", "Outdoor balls"),
        art="ball",
        about="Forty small holes, seamless shell, 26 g. Cold mornings are hard on any ball: warm them in a pocket.",
        rows=(
            *packs(
                "BALL-OUT",
                "Sunburn Outdoor Balls",
                "Hard, fast and yellow enough to see at noon.",
                4_85,
                26,
                counts=_PACKS,
            ),
            *packs(
                "BALL-GALE",
                "Gale Outdoor Balls",
                "A touch heavier, for courts where flags never rest.",
                5_50,
                27,
                counts=_PACKS,
            ),
            *packs(
                "BALL-LIME",
                "Limelight Outdoor Balls",
                "Lime green, for red clay and tired eyes.",
                4_50,
                26,
                counts=_PACKS,
            ),
        ),
    ),
    Shelf(
        path=("Pickleball", "Balls", "Indoor balls"),
        art="ball",
        about="Twenty-six larger holes, softer shell, made for timber floors and basketball halls.",
        rows=(
            *packs(
                "BALL-IN",
                "Hall Pass Indoor Balls",
                "Quiet off the paddle and true off the boards.",
                4_20,
                24,
                counts=_PACKS,
            ),
            *packs(
                "BALL-HUSH",
                "Hush Indoor Balls",
                "Foam-lined, for halls that share a wall with a choir.",
                6_00,
                30,
                counts=_PACKS,
            ),
            *packs(
                "BALL-SLOW",
                "Slow Brine Practice Balls",
                "A fifth slower, so that beginners get to say something.",
                3_60,
                22,
                counts=_PACKS,
            ),
        ),
    ),
    Shelf(
        path=("Pickleball", "Court", "Nets"),
        art="net",
        about="Regulation 6.7 m wide, 86 cm high in the middle. Set-up time measured by our slowest employee.",
        rows=(
            Row(
                "NET-1", "Portable Net", 189_00, 9500, "Steel frame on feet, up in six minutes, bag included.", stock=6
            ),
            Row("NET-2", "Wheeled Club Net", 429_00, 24000, "Rolls off court in one piece when the netballers arrive."),
            Row("NET-3", "Driveway Half Net", 99_00, 4200, "Three metres of honest net for half a court.", sale=79_00),
            Row("NET-4", "Permanent Post Net", 159_00, 6800, "Knotless mesh with a double-stitched headband."),
            Row("NET-5", "Beach Net", 129_00, 5100, "Sand anchors in place of feet; rinse after use."),
            Row("NET-6", "Replacement Mesh", 64_00, 2100, "For frames whose net met a ride-on mower."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Court", "Lines and markers"),
        art="kit",
        about="Lays flat, leaves no residue and fits a regulation court.",
        rows=(
            Row("LINE-1", "Throw-down Line Set", 49_00, 1800, "Rubber lines and corners for one whole court."),
            Row("LINE-2", "Court Tape, 60 m", 24_00, 520, "Peels off clean within a season."),
            Row("LINE-3", "Chalk Marker Trolley", 69_00, 1500, "Push, squint, and call it straight."),
            Row("LINE-4", "Kitchen Line Mats, pair", 34_00, 900, "Two bright mats that end the foot-fault debate."),
            Row("LINE-5", "Court Stencil Kit", 79_00, 2300, "Paint once, argue never."),
            Row("SCORE-1", "Flip Scoreboard", 39_00, 760, "Big numbers for short memories."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Court", "Training aids"),
        art="kit",
        about="Used by our own Tuesday group, whose results are not to be held against it.",
        rows=(
            Row("TRAIN-1", "Rebound Board", 229_00, 11000, "An opponent who returns everything and says nothing."),
            Row("TRAIN-2", "Ball Hopper, 75 balls", 84_00, 2900, "Pick up a morning's misses without bending."),
            Row("TRAIN-3", "Target Rings, set of 6", 29_00, 640, "Put them deep, put them wide, then hit one."),
            Row("TRAIN-4", "Swing Weight Strips", 19_00, 60, "Two grams at a time, until it feels like yours."),
            Row("TRAIN-5", "Ball Tube, 25 balls", 32_00, 700, "Push down, ball in, dignity kept."),
            Row("TRAIN-6", "Reaction Ball", 14_00, 110, "Six sides and no loyalty to any of them."),
            Row("TRAIN-7", "Serve Trainer Tether", 26_00, 380, "The ball comes back on its own.", stock=0),
            Row("TRAIN-8", "Agility Ladder", 35_00, 1100, "Four metres of regret, rolled up small."),
            Row("TRAIN-9", "Drill Cards, deck of 52", 22_00, 180, "A drill for each card; jokers mean laps."),
            Row(
                "TRAIN-10",
                "Ball Machine, Pickler 40",
                999_00,
                14500,
                "Forty balls, two lines of spin, one remote.",
                stock=4,
            ),
        ),
    ),
    Shelf(
        path=("Pickleball", "Bags", "Backpacks"),
        art="bag",
        about="Vented shoe pocket, fence hook and a bottle sleeve that really holds a jar.",
        rows=(
            Row("BAG-1", "Crate Backpack, 24 L", 119_00, 980, "Two paddles, one change of mind."),
            Row(
                "BAG-2",
                "Barrel Backpack, 32 L",
                149_00,
                1240,
                "Room for four paddles and a week's laundry.",
                sale=129_00,
            ),
            Row("BAG-3", "Commuter Backpack, 18 L", 99_00, 820, "Looks like the office, smells like the court."),
            Row("BAG-4", "Junior Backpack, 12 L", 49_00, 430, "A reflective gherkin on the back."),
            Row("BAG-5", "Cooler Backpack, 20 L", 109_00, 1050, "Insulated below, dry above."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Bags", "Slings and totes"),
        art="bag",
        about="Recycled sailcloth, machine-washable on cold.",
        rows=(
            Row("BAG-S1", "Slice Sling", 69_00, 460, "One paddle, keys, phone, done."),
            Row("BAG-S2", "Brine Sling", 79_00, 520, "Two paddles and a strap that does not slip."),
            Row("BAG-T1", "Market Tote", 35_00, 300, "Jars down, paddles up."),
            Row("BAG-T2", "Tournament Duffel, 60 L", 189_00, 1750, "For people who pack a spare of everything."),
            Row("BAG-T3", "Mesh Ball Bag", 18_00, 140, "Sixty balls and a draw-string."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Bags", "Paddle covers"),
        art="bag",
        about="Neoprene with a zip all round; one size fits every paddle we sell.",
        rows=(
            Row("COVER-1", "Plain Paddle Cover", 19_00, 120, "Black, soft, sensible."),
            Row("COVER-2", "Gherkin Paddle Cover", 24_00, 130, "Makes any paddle look like lunch."),
            Row("COVER-3", "Double Paddle Cover", 29_00, 190, "For two paddles that get along."),
            Row("COVER-4", "Tartan Paddle Cover", 26_00, 140, "Traditional, if you squint at the tradition."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Grips and care", "Overgrips"),
        art="grip",
        about="Length for one handle with some to spare; finishing tape included.",
        rows=(
            *packs("GRIP-TACK", "Tacky Overgrip", "Sticks to you in January.", 4_50, 12, counts=(3, 12)),
            *packs("GRIP-DRY", "Dry Overgrip", "Chalky feel for hands like taps.", 4_80, 11, counts=(3, 12)),
            *packs(
                "GRIP-CUSH", "Cushion Overgrip", "A little padding for a lot of tennis elbow.", 5_20, 16, counts=(3, 12)
            ),
            Row("GRIP-REP", "Replacement Grip", 16_00, 40, "Perforated and bevelled: the proper one underneath."),
            Row("GRIP-BAND", "Grip Bands, set of 4", 9_00, 20, "Rubber rings that keep the tape where you put it."),
        ),
    ),
    Shelf(
        path=("Pickleball", "Grips and care", "Surface care"),
        art="kit",
        about="Safe on carbon, fibreglass and good intentions.",
        rows=(
            Row("CARE-1", "Carbon Face Eraser", 18_00, 60, "Lifts ball plastic off a raw carbon face."),
            Row("CARE-2", "Edge Guard Tape, 5 m", 15_00, 90, "For paddles that scrape and owners who mind."),
            Row("CARE-3", "Paddle Wipes, tub of 50", 14_00, 260, "Sunscreen off, grip on."),
            Row("CARE-4", "Lead Tape, 1 m", 12_00, 45, "Weight where you want it."),
            Row("CARE-5", "Paddle Repair Kit", 29_00, 310, "Resin, clamp, sandpaper, hope."),
        ),
    ),
)
