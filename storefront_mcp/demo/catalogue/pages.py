"""The shop's pages: home, about, contact, shipping, returns, privacy, terms."""

from storefront_mcp.demo.catalogue.model import Page


def _page(number: int, identifier: str, title: str, *parts: str) -> Page:
    return Page(id=number, identifier=identifier, title=title, content="\n".join(parts))


_ALL = (
    _page(
        1,
        "home",
        "Pickle Warehouse",
        "<h1>Paddles up, lids off</h1>",
        "<p>One half of this warehouse plays pickleball, the other half makes pickles.",
        "Nobody remembers which came first.</p>",
    ),
    _page(
        2,
        "about",
        "About us",
        "<p>Pickle Warehouse is a shed in the north of Melbourne with a court along one wall and barrels along the",
        "other. We sell what we use and what we eat.</p>",
        "<p>This is a demonstration shop: nothing is really sent.</p>",
    ),
    _page(
        3,
        "contact",
        "Contact",
        '<p>Write to <a href="mailto:hello@pickle-warehouse.example">hello@pickle-warehouse.example</a> and a',
        "person answers within one working day.</p>",
        "<p>The shed is open Tuesday to Saturday, 9 am to 4 pm.</p>",
    ),
    _page(
        4,
        "shipping",
        "Shipping",
        "<p>Orders leave the shed on the next working day.</p>",
        "<ul>",
        "<li>Parcel Post: from $9.95 in Victoria, $11.95 elsewhere, $15.95 to WA, NT and Tasmania; more for heavy",
        "parcels. Free within Australia for goods of $150 and more after discounts.</li>",
        "<li>Express Post: from $5.50 on top, up to 22 kg.</li>",
        "<li>Brine Bike: same day for $14.50 in postcodes 3000 to 3207, up to 20 kg, if you order before noon.</li>",
        "<li>New Zealand from $19.95, Singapore and the United Kingdom from $34.95, without GST.</li>",
        "</ul>",
    ),
    _page(
        5,
        "returns",
        "Returns",
        "<p>Gear comes back within 30 days, unused and in its box, for a full refund; you pay the postage unless it",
        "was our mistake. Engraved and named things stay where they are.</p>",
        "<p>Jars cannot be returned, but a broken or dull one is replaced: send a photo. Your rights under the",
        "Australian Consumer Law are not limited by this page.</p>",
    ),
    _page(
        6,
        "privacy-policy",
        "Privacy",
        "<p>We keep your name, addresses, e-mail address and orders, for as long as the tax office asks us to.",
        "We hand them to the carrier that brings your parcel and to nobody else.</p>",
        '<p>Ask for a copy or a deletion at <a href="mailto:privacy@pickle-warehouse.example">',
        "privacy@pickle-warehouse.example</a>.</p>",
    ),
    _page(
        7,
        "terms",
        "Terms of sale",
        "<p>Prices are in Australian dollars and include GST. An order is accepted when we send it.",
        "Pickles are food: read the label if you have allergies; mustard and celery are about.</p>",
    ),
)
PAGES = {page.id: page for page in _ALL}
