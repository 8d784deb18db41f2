"""The pickle cellar: cucumbers, ferments, hot things and vegetables in jars."""

from storefront_mcp.demo.catalogue.tables import LARGE, MIDDLE, SMALL, Shelf, jars

_ABOUT = (
    "Made in small batches in Melbourne from Australian vegetables. Refrigerate after opening and eat within 6 weeks."
)

JARS = (
    Shelf(
        path=("Pickles", "Cucumbers", "Whole dills"),
        art="jar",
        about=f"Packed by hand with dill heads, garlic and a vine leaf for crunch. {_ABOUT}",
        rows=jars(
            (
                (
                    "JAR-DILL",
                    "Warehouse Dill Pickles",
                    9_50,
                    "Mild",
                    "The dill pickle this place is named after: cold, loud, garlicky.",
                ),
                (
                    "JAR-KOSHER",
                    "Kosher-style Dills",
                    10_50,
                    "Mild",
                    "No vinegar at all, just salt, time and a lot of garlic.",
                ),
                ("JAR-HALF", "Half Sours", 10_00, "Mild", "Three days in brine, still bright green and cheeky."),
                ("JAR-FULL", "Full Sours", 10_50, "Mild", "Six weeks in the barrel. Pucker responsibly."),
                ("JAR-CORN", "Cornichons", 11_50, "Mild", "Thumb-sized, tarragon-scented, born for cheese boards."),
                (
                    "JAR-POLISH",
                    "Polish-style Dills",
                    9_90,
                    "Mild",
                    "Mustard seed, horseradish leaf and somebody's grandmother.",
                ),
                ("JAR-SALT", "Salt-free-ish Dills", 10_90, "Mild", "A third less salt and most of the noise."),
            ),
            SMALL,
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Cucumbers", "Spears and chips"),
        art="jar",
        about=f"Cut for sandwiches, burgers and eating over the sink. {_ABOUT}",
        rows=jars(
            (
                ("JAR-SPEAR", "Dill Spears", 9_90, "Mild", "Quartered lengthwise, so nobody has to share a bite."),
                ("JAR-CHIP", "Burger Chips", 8_90, "Mild", "Crinkle-cut rounds that stay put under a patty."),
                ("JAR-SLICE", "Sandwich Slices", 9_20, "Mild", "Long flat slices that reach both crusts."),
                ("JAR-RANCH", "Garden Herb Chips", 9_60, "Mild", "Chive, parsley and dill, like a dip you can crunch."),
                ("JAR-PEPPER", "Black Pepper Spears", 9_90, "Medium", "Cracked Queensland pepper and a slow warmth."),
            ),
            SMALL,
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Cucumbers", "Bread and butter"),
        art="jar",
        about=f"Sweet, turmeric-yellow and onion-scented. {_ABOUT}",
        rows=jars(
            (
                ("JAR-BB", "Bread and Butter Pickles", 9_00, "Mild", "Sweet enough for pudding, sharp enough for ham."),
                (
                    "JAR-BBHOT",
                    "Hot Bread and Butter Pickles",
                    9_50,
                    "Hot",
                    "The same, with a bird's eye chilli in the doorway.",
                ),
                ("JAR-HONEY", "Honey Mustard Pickles", 10_20, "Mild", "Leatherwood honey and whole mustard seed."),
                ("JAR-MAPLE", "Smoked Onion Pickles", 10_40, "Mild", "Barbecue in a jar, without standing around."),
                ("JAR-GINGER", "Ginger Sweet Pickles", 9_80, "Medium", "Fresh Buderim-style ginger and rice vinegar."),
            ),
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Ferments", "Kraut and kimchi"),
        art="jar",
        about=f"Alive: it may fizz when opened, and that is the point. {_ABOUT}",
        rows=jars(
            (
                ("FER-KRAUT", "Classic Sauerkraut", 11_00, "Mild", "Cabbage, salt, patience."),
                ("FER-CARA", "Caraway Sauerkraut", 11_50, "Mild", "For sausages that deserve company."),
                ("FER-RUBY", "Ruby Kraut", 12_00, "Mild", "Red cabbage, beetroot and juniper."),
                ("FER-KIM", "Napa Kimchi", 13_00, "Hot", "Wombok, chilli flakes and a proper funk."),
                ("FER-KIMV", "Vegan Kimchi", 13_00, "Hot", "All of the funk, none of the fish."),
                ("FER-WHITE", "White Kimchi", 12_50, "Mild", "Pear and pine nut in place of chilli."),
                (
                    "FER-GOLD",
                    "Golden Turmeric Kraut",
                    12_00,
                    "Mild",
                    "Turmeric and black pepper; stains everything, worth it.",
                ),
            ),
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Hot and spicy", "Chilli pickles"),
        art="jar",
        about=f"Keep away from eyes and small siblings. {_ABOUT}",
        rows=jars(
            (
                ("HOT-JAL", "Pickled Jalapeños", 9_20, "Hot", "Ring-cut and ready for nachos."),
                ("HOT-HAB", "Habanero Dills", 10_90, "Hot", "A dill pickle that answers back."),
                ("HOT-BIRD", "Bird's Eye Gherkins", 10_50, "Hot", "Small gherkins, small chillies, large opinions."),
                ("HOT-PEPP", "Pepperoncini", 9_80, "Medium", "Gentle, juicy and far too easy to finish."),
                ("HOT-BANANA", "Banana Pepper Rings", 8_90, "Medium", "Sunny rings for pizza and pies."),
                ("HOT-ACHAR", "Mango Achar", 11_90, "Hot", "Green mango in mustard oil with fenugreek."),
                ("HOT-GARLIC", "Firecracker Garlic", 11_20, "Hot", "Whole cloves, blistered and unrepentant."),
            ),
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Vegetables", "Roots and onions"),
        art="jar",
        about=f"Straight from the market gardens east of the city. {_ABOUT}",
        rows=jars(
            (
                ("VEG-BEET", "Pickled Beetroot", 8_50, "Mild", "For burgers with the lot."),
                ("VEG-ONION", "Cocktail Onions", 8_90, "Mild", "Pearl onions with a quiet crunch."),
                ("VEG-PINK", "Pink Onions", 8_70, "Mild", "Taco-ready and unreasonably pretty."),
                ("VEG-CARROT", "Dilly Carrots", 8_90, "Mild", "Batons that children trade for."),
                ("VEG-DAIKON", "Daikon and Carrot", 9_20, "Mild", "The crunchy half of a good banh mi."),
                ("VEG-RADISH", "Rainbow Radish", 9_40, "Medium", "Pepper, pink and snap."),
            ),
            MIDDLE,
            LARGE,
        ),
    ),
    Shelf(
        path=("Pickles", "Vegetables", "Greens and beans"),
        art="jar",
        about=f"Picked on Monday, pickled on Monday. {_ABOUT}",
        rows=jars(
            (
                ("VEG-BEAN", "Dilly Beans", 9_60, "Mild", "Green beans that think they are gherkins."),
                ("VEG-ASP", "Pickled Asparagus", 12_90, "Mild", "Koo Wee Rup spears, tips up."),
                ("VEG-OKRA", "Pickled Okra", 10_20, "Medium", "Crisp, not slippery. We promise."),
                ("VEG-CAULI", "Curried Cauliflower", 9_40, "Medium", "Yellow florets with cumin and mustard."),
                ("VEG-TOM", "Green Tomatoes", 9_00, "Mild", "What the frost did not get."),
                ("VEG-MIX", "Giardiniera", 9_90, "Medium", "Six vegetables and one strong opinion about oregano."),
            ),
            MIDDLE,
            LARGE,
        ),
    ),
)
