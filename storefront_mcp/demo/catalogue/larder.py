"""Relishes, chutneys and mustards, and what one needs to pickle at home."""

from storefront_mcp.demo.catalogue.tables import MIDDLE, SMALL, Row, Shelf, jars

_ABOUT = "Cooked in copper, filled hot, labelled by hand. Keeps a year unopened and 8 weeks in the fridge."

LARDER = (
    Shelf(
        path=("Pickles", "Relishes and chutneys", "Relishes"),
        art="relish",
        about=_ABOUT,
        rows=jars(
            (
                ("REL-DILL", "Dill Relish", 8_90, "Mild", "Everything good about a dill, ready to spoon."),
                ("REL-CORN", "Sweetcorn Relish", 9_20, "Mild", "Sunshine with capsicum in it."),
                ("REL-TOM", "Tomato Relish", 8_80, "Mild", "The one that pies have been asking for."),
                ("REL-BEET", "Beetroot Relish", 9_40, "Mild", "Orange zest and a colour you can hear."),
                ("REL-JAL", "Jalapeño Relish", 9_60, "Hot", "Hot dog's best friend, hot first."),
                ("REL-ONION", "Caramelised Onion Relish", 9_80, "Mild", "Four hours of stirring, none of them yours."),
                ("REL-PICC", "Piccalilli", 9_90, "Medium", "Yellow, chunky and proud of it."),
            ),
            SMALL,
            MIDDLE,
        ),
    ),
    Shelf(
        path=("Pickles", "Relishes and chutneys", "Chutneys"),
        art="relish",
        about=_ABOUT,
        rows=jars(
            (
                ("CHU-MANGO", "Mango Chutney", 9_90, "Mild", "Bowen mangoes and a whisper of nigella."),
                ("CHU-PEACH", "Peach and Cardamom Chutney", 10_20, "Mild", "Wasted on toast, so waste it on toast."),
                ("CHU-PLUM", "Spiced Plum Chutney", 10_40, "Mild", "For cheddar and colder evenings."),
                ("CHU-EGG", "Eggplant Kasundi", 10_80, "Hot", "Mustard seed, tamarind, second helpings."),
                ("CHU-TOM", "Green Tomato Chutney", 9_40, "Mild", "The garden's apology for autumn."),
                ("CHU-FIG", "Fig and Ginger Chutney", 11_20, "Medium", "Sticky, warm and gone by Sunday."),
            ),
            SMALL,
            MIDDLE,
        ),
    ),
    Shelf(
        path=("Pickles", "Relishes and chutneys", "Mustards"),
        art="relish",
        about="Stone-ground, aged a month before it is let out. 190 g jar.",
        rows=(
            Row(
                "MUS-PLAIN",
                "Stone-ground Mustard",
                8_00,
                320,
                "Whole seed, cider vinegar, nothing to hide.",
                traits={"heat": "Medium"},
            ),
            Row("MUS-DILL", "Dill Pickle Mustard", 8_50, 320, "Made with our own brine.", traits={"heat": "Medium"}),
            Row("MUS-HONEY", "Honey Mustard", 8_50, 325, "Sweet up front, mustard behind.", traits={"heat": "Mild"}),
            Row(
                "MUS-STOUT",
                "Stout Mustard",
                9_00,
                325,
                "Dark, malty and good with corned beef.",
                traits={"heat": "Medium"},
            ),
            Row("MUS-HOT", "Sinus Clearer Mustard", 9_00, 320, "You were warned by the name.", traits={"heat": "Hot"}),
        ),
    ),
    Shelf(
        path=("Pickles", "Pickling at home", "Kits"),
        art="kit",
        about="Vegetables not included; enthusiasm provided by you. Instructions fit on one page.",
        rows=(
            Row("KIT-DILL", "First Dill Kit", 49_00, 2100, "Two jars, weights, spices and a thermometer."),
            Row("KIT-KRAUT", "Sauerkraut Kit", 69_00, 3400, "Crock, pounder and airlock lid.", sale=59_00),
            Row("KIT-KIM", "Kimchi Kit", 64_00, 2600, "Chilli flakes, salt, gloves, courage."),
            Row("KIT-HOT", "Hot Sauce Kit", 54_00, 2200, "Three bottles, six chillies' worth of seeds."),
            Row("KIT-KIDS", "Junior Pickler Kit", 34_00, 1300, "Fridge pickles in a day, no stove needed."),
        ),
    ),
    Shelf(
        path=("Pickles", "Pickling at home", "Jars and tools"),
        art="kit",
        about="Glass made to be boiled, lids made to be opened.",
        rows=(
            Row(
                "TOOL-JAR6",
                "Preserving Jars, 500 ml, 6 pack",
                32_00,
                2900,
                "Wide mouth, new seals, old-fashioned looks.",
            ),
            Row(
                "TOOL-JAR12",
                "Preserving Jars, 1 L, 12 pack",
                69_00,
                8400,
                "For when the neighbour's cucumbers come over the fence.",
            ),
            Row("TOOL-CROCK", "Stoneware Crock, 5 L", 89_00, 5600, "Water-sealed rim and two weights.", stock=5),
            Row("TOOL-WEIGHT", "Glass Weights, set of 4", 24_00, 980, "What floats, spoils. These sink."),
            Row("TOOL-LID", "Airlock Lids, set of 4", 26_00, 240, "Gas out, air not in."),
            Row("TOOL-TONG", "Pickle Tongs", 12_00, 70, "Reach the last one with grace."),
            Row("TOOL-MANDO", "Mandoline", 45_00, 620, "Even slices; guard included, please use it."),
        ),
    ),
    Shelf(
        path=("Pickles", "Pickling at home", "Spices and salts"),
        art="spice",
        about="Whole, fresh and packed in a resealable tin.",
        rows=(
            Row("SPICE-MIX", "Pickling Spice", 9_00, 110, "Mustard, coriander, allspice, bay."),
            Row("SPICE-DILL", "Dill Seed", 7_50, 90, "The smell of this whole building."),
            Row("SPICE-MUST", "Yellow Mustard Seed", 6_50, 140, "Pops, colours, thickens."),
            Row("SPICE-CHIL", "Kimchi Chilli Flakes", 11_00, 160, "Coarse, red and fruity."),
            Row("SPICE-PEPP", "Pink Peppercorns", 12_50, 80, "More perfume than fire."),
            Row("SALT-PICK", "Pickling Salt, 1 kg", 6_00, 1010, "Fine and free of anything that clouds."),
            Row("SALT-LAKE", "Pink Lake Salt, 500 g", 9_50, 520, "From the Mallee, for finishing."),
            Row("VIN-CIDER", "Cider Vinegar, 2 L", 13_00, 2150, "Cloudy, from Goulburn Valley apples."),
        ),
    ),
)
