"""The parts the root documents are made of: words for schemas and states, the page shell, the colours."""

import itertools
import math
import re

import pytest
from msgspec.structs import replace

from storefront_mcp.cards.clients import client_slug
from storefront_mcp.cards.site.arguments import arguments, kind
from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.cards.site.pages import render_page, render_page_markdown
from storefront_mcp.cards.site.roadmap_view import page_title, phases, roadmap_summary
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.unit.cards.site_documents import HOSTILE, parsed, text
from tests.unit.cards.states import PICKLE, roadmap


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer", "minimum": 1, "maximum": 50}, "integer 1 to 50"),
        ({"type": "integer", "minimum": 0}, "integer from 0"),
        ({"type": "number", "maximum": 9}, "number up to 9"),
        ({"enum": ["brief", "full"]}, "one of brief, full"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, "string or list of string"),
        (
            {"type": "object", "properties": {"country": {}, "postcode": {}}, "required": ["country"]},
            "object (country, postcode?)",
        ),
        ({"type": "object", "additionalProperties": {}}, "object"),
        ({}, "any"),
    ],
)
def test_a_schema_is_said_in_a_few_words(schema: dict[str, object], words: str) -> None:
    assert kind(schema) == words


def test_a_tools_arguments_come_with_their_notes() -> None:
    tools = {tool.name: tool for tool in roadmap("cart").open_tools()}
    rows = {row.name: row for row in arguments(tools["add_to_cart"])}

    assert (rows["sku"].required, rows["sku"].kind) == (True, "string")
    assert not rows["quantity"].required
    assert rows["quantity"].note == "Default: 1"


@pytest.mark.parametrize(
    ("name", "key"),
    [("Pickle Warehouse", "pickle-warehouse"), ("Café & Co.", "cafe-co"), ("日本", "shop"), ("9 Lives", "9-lives")],
)
def test_a_stores_name_becomes_a_key(name: str, key: str) -> None:
    assert client_slug(name) == key


def test_a_paused_phase_is_neither_open_nor_next_and_a_retired_one_is_gone() -> None:
    now = roadmap("cart")
    statuses = ("paused", "retired", "planned", "planned")
    later = Roadmap(
        version=9,
        as_of=now.as_of,
        phases=tuple(replace(phase, status=status) for phase, status in zip(now.phases, statuses, strict=True)),
    )

    assert [(phase.title, phase.label) for phase in phases(later)] == [
        ("Browse", "Paused"),
        ("Checkout", "Next"),
        ("Account", "Later"),
    ]
    assert not any(tool.open for phase in phases(later) for tool in phase.tools)
    assert roadmap_summary(PICKLE, later).endswith("Closed for now.")


def test_a_page_of_the_shop_keeps_its_html_and_escapes_its_title() -> None:
    title = "Shipping <fast> & cheap"
    written = render_page(HOSTILE, roadmap("browse"), title, "<h2>Rates</h2><p>A$9.95</p>", identifier="shipping")
    page = parsed(written)

    assert [heading.text for heading in page.iter("h1")] == [title]
    assert [heading.text for heading in page.iter("h2")] == ["Rates"]
    assert [link.get("href") for link in page.iter("link") if link.get("rel") == "canonical"] == [
        PICKLE.url("/shipping")
    ]
    assert b"canonical" not in render_page(PICKLE, roadmap("browse"), title, "<p>x</p>")


@pytest.mark.parametrize(
    ("html", "description"),
    [
        ("<h2>Rates</h2><p>A$9.95 &amp; up</p>", "Rates A$9.95 & up"),
        ("<p>" + "word " * 40 + "</p>", "word " * 30 + "word…"),
        ("<p>" + "x" * 200 + "</p>", "x" * 154 + "…"),
        ("<img>", "Shipping at Pickle Warehouse"),
    ],
)
def test_a_page_of_the_shop_is_described_in_its_own_words(html: str, description: str) -> None:
    page = parsed(render_page(PICKLE, roadmap("browse"), "Shipping", html))

    assert [meta.get("content") for meta in page.iter("meta") if meta.get("name") == "description"] == [description]


def test_a_page_of_the_shop_as_markdown_points_to_llms_txt_first() -> None:
    written = render_page_markdown(PICKLE, "Returns", "\nSend it back.\n").decode()

    assert written == (
        "# Returns\n\n"
        "For agents: this site in plain text is at [/llms.txt](https://pickle.example/llms.txt).\n\n"
        "Send it back.\n"
    )


def test_an_identifier_becomes_a_title() -> None:
    assert page_title("privacy-policy") == "Privacy policy"


def _colours(css: str) -> dict[str, tuple[float, float, float | None]]:
    """Lightness, chroma and hue of each custom property; no hue means the shop's own."""
    found = re.findall(r"--([a-z-]+): oklch\(([\d.]+)% ([\d.]+) (?:var\(--hue\)|([\d.]+))\);", css)
    return {
        name: (float(light) / 100, float(chroma), float(own) if own else None) for name, light, chroma, own in found
    }


def _luminance(colour: tuple[float, float, float | None], shop: float) -> float:
    """Relative luminance (WCAG 2.2) of an OKLCH colour, out-of-gamut channels clipped as screens do."""
    light, chroma, own = colour
    angle = math.radians(shop if own is None else own)
    a, b = chroma * math.cos(angle), chroma * math.sin(angle)
    cone_l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    cone_m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    cone_s = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * cone_l - 3.3077115913 * cone_m + 0.2309699292 * cone_s
    green = -1.2684380046 * cone_l + 2.6097574011 * cone_m - 0.3413193965 * cone_s
    blue = -0.0041960863 * cone_l - 0.7034186147 * cone_m + 1.7076147010 * cone_s
    return sum(
        weight * min(1.0, max(0.0, channel))
        for weight, channel in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    )


def _contrast(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("shop", range(0, 360, 10))
@pytest.mark.parametrize("scheme", ["light", "dark", "receipt", "receipt in the dark"])
def test_text_is_readable_in_every_shops_colour(scheme: str, shop: int) -> None:
    css = text("style", "planned")
    light, dark, slip = (
        _colours(css[start : css.index("}", start)])
        for start in (css.index(":root {"), css.index("  :root {", css.index("dark")), css.index(".slip {"))
    )
    assert light.keys() == dark.keys()
    colours = light if scheme in {"light", "receipt"} else dark
    pairs = [
        *itertools.product(("ink", "soft", "accent", "amber"), ("paper", "sheet", "code")),
        ("accent", "tint"),
        ("amber", "amber-tint"),
    ]
    if scheme.startswith("receipt"):
        colours = colours | slip
        pairs = list(itertools.product(("ink", "soft", "accent", "amber"), ("slip",)))
    for front, back in pairs:
        assert _contrast(_luminance(colours[front], shop), _luminance(colours[back], shop)) >= 4.5, (front, back)


def test_a_shops_colour_is_its_own_and_stays() -> None:
    assert brand_hue(PICKLE) == brand_hue(replace(PICKLE, origin="https://other.example", tagline="new"))
    assert brand_hue(PICKLE) != brand_hue(replace(PICKLE, name="Another Shop"))
    assert f"--hue: {brand_hue(PICKLE)};" in text("style", "planned")
