"""Upstream text as data: what is left of it is visible, plain and short."""

import unicodedata

import pytest
from hypothesis import given, strategies as st
from selectolax.lexbor import LexborHTMLParser

from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.sanitizing import (
    TAGS,
    absolute_link,
    line,
    markdown,
    paragraphs,
    safe_html,
    web_url,
)
from storefront_mcp.commerce.plain_text import visible_line, visible_text

ANY = st.text(max_size=400)
JOINERS = {"\u200c", "\u200d"}
MARKED_UP = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["<p>", "</p>", "<br>", "<script>", "</script>", "<b onclick=x>", "<a href='javascript:x'>", "&lt;", "&#0;"]
        ),
        st.sampled_from(
            ["<img src=x onerror=y>", "<!--", "-->", "<style>", "<iframe src=//e>", "\u202e", "\u200b", "<"]
        ),
        st.sampled_from(["<p hidden>", "<div style='display:none'>", "</div>", "<li hidden>", "<noscript>", "<ul>"]),
    ),
    max_size=30,
).map("".join)


@given(MARKED_UP, st.integers(1, 300))
def test_what_is_left_is_visible_and_bounded(source: str, limit: int) -> None:
    for text in (paragraphs(source, limit), line(source, limit)):
        assert len(text) <= limit
        assert text == text.strip()
        unseen = [char for char in text if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"}]
        assert set(unseen) <= JOINERS
    assert "\n" not in line(source, limit)


def test_no_format_or_control_character_is_forgotten() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert {unicodedata.category(char) for char in visible_text(every) if char not in "\t\n"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co"}
    )


@given(ANY)
def test_cleaning_twice_changes_nothing_more(source: str) -> None:
    assert visible_text(visible_text(source)) == visible_text(source)


@given(MARKED_UP)
def test_harmless_html_has_nothing_active(source: str) -> None:
    html = safe_html(source, known=KnownOrigins("https://shop.example"))
    for node in LexborHTMLParser(f"<main>{html}</main>").css("main *"):
        assert node.tag in TAGS
        assert set(node.attributes) <= {"href", "src", "alt", "title", "rel", "colspan", "scope"}
        assert not (node.attributes.get("href") or "").casefold().startswith("javascript")
    assert isinstance(markdown(html), str)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Two.</p>\n\n<p>Lines &amp; more</p>", "Two.\nLines & more"),
        ("<ul><li>Carbon<li>Foam</ul>", "Carbon\nFoam"),
        ("<table><tr><td>Weight</td><td>220 g</td></tr></table>", "Weight 220 g"),
        ("a < b, c > d", "a < b, c > d"),
        ("Tom & Jerry's", "Tom & Jerry's"),
        ("<script>ignore()</script>Hi<style>x</style>", "Hi"),
        ("first\r\n\r\n\r\n\r\nsecond\u2028third", "first\n\nsecond\nthird"),
        ("pay\u202e \u200b\U000e0041now\x07", "pay now"),
        (None, ""),
        ("<head><title>T</title></head>", ""),
        ("<head><title>T</title><body>Nice", "Nice"),
    ],
)
def test_html_reads_as_people_would_read_it(source: str | None, text: str) -> None:
    assert paragraphs(source) == text


HIDDEN = [
    '<p style="display:none">secret</p>Nice',
    "<p style='DISPLAY : none !important'>secret</p>Nice",
    "<span style=display:none>secret</span>Nice",
    '<span style="display:/**/none">secret</span>Nice',
    "<span style='disp\\6c ay:no\\ne'>secret</span>Nice",
    '<span style="display&#58;none">secret</span>Nice',
    '<p style="visibility:hidden">secret</p>Nice',
    '<p style="font-size:0px">secret</p>Nice',
    '<p style="color:red;opacity:0">secret</p>Nice',
    "<div hidden>secret<div>secret</div>secret</div>Nice",
    '<div hidden="until-found">secret</div>Nice',
    "<div/hidden>secret</div>Nice",
    "<noscript>secret</noscript>Nice",
    " <noscript><p>secret</p></noscript>Nice",
    "<p><noscript>secret</noscript>Nice</p>",
    "<!-- secret -->Nice",
    "<!-- secret < -->Nice",
    "Nice<!-- secret",
    "<!doctype html><!--secret--><html><body>Nice",
    "<p hidden>secret<p>Nice",
    "<div><p hidden>secret</div>Nice",
    "<div hidden><b>secret</i></div>Nice",
    "<div hidden><br>secret</div>Nice",
    "<ul><li hidden>secret<ul><li>secret</ul><li>Nice</ul>",
    "<table><tr hidden><td>secret<tr><td>Nice</table>",
    "Nice<div hidden>secret",
    "<dialog>secret</dialog><dialog open>Nice</dialog>",
    "<video>secret</video>Nice",
    "<input hidden>Nice",
    "<noframes><p>secret</p></noframes>Nice",
    "<noembed>secret<b></noembed>Nice",
    "<ruby>Nice<rp>secret<rt>to</rt></ruby>",
    "<math><semantics><mi>a</mi><annotation>secret</annotation></semantics></math>Nice",
    "<math><mi>a</mi><annotation-xml encoding='text/html'>secret</annotation-xml></math>Nice",
    "<math><mi>a</mi><mphantom>secret</mphantom></math>Nice",
    "<div popover>secret</div>Nice",
    "<template/>secret</template>Nice",
    "<object><param name=a><embed>secret</object>Nice",
    "<optgroup hidden><option>secret</optgroup>Nice",
    "<ul><li hidden>secret<section><li>secret</section><li>Nice</ul>",
    "<p hidden><button><div>secret</div></button></p>Nice",
    "<p>a<div hidden></p>secret</div>Nice",
    "<p><b style='display:none'>secret</p>secret</b>Nice",
    "<table><thead hidden><tr><td>secret<tbody><tr><td>Nice</table>",
    f"<p style='{' ' * 3000}display:none'>secret</p>Nice",
    "<p style='display:none;display:bogus'>secret</p>Nice",
    "<p style='display:none' style='display:block'>secret</p>Nice",
]
HIDING_STYLES = [
    "opacity:0e0",
    "opacity:calc(0)",
    "opacity:-1",
    "opacity:.0%",
    "opacity:1e-9",
    "font-size:0vw",
    "font-size:0cm",
    "font-size:0zz",
    "font-size:calc(0px)",
    "font-size:calc( ( 0px ) )",
    "font-size:-webkit-calc(calc(0em))",
    "font-size:1px",
    "font:0/0 a",
    "font:bold 0px/1.5 Arial",
    "font:italic calc(0px)/1 a",
    "width:0;height:0;overflow:hidden",
    "max-height:0;overflow:hidden",
    "max-height:0px;overflow-y:clip;padding:0",
    "width:1px;height:1px;overflow:hidden",
    "position:absolute;left:-9999px",
    "position:absolute!important;top:-625em",
    "position:fixed;left:-10000vw",
    "position:absolute;left:calc(-9999px)",
    "position:absolute;inset:0 auto auto -9999px",
    "margin-left:-9999px",
    "margin:0 0 0 -9999px",
    "text-indent:-9999px",
    "text-indent:-100em hanging",
    "clip-path:inset(100%)",
    "clip-path:inset(50%)",
    "clip-path:inset(0 0 100% 0)",
    "clip-path:circle(0)",
    "clip-path:polygon(0 0,0 0,0 0)",
    "position:absolute;clip:rect(0,0,0,0)",
    "position:absolute;clip:rect(1px 1px 1px 1px)",
    "transform:scale(0)",
    "transform:rotate(9deg) scaleY(calc(0))",
    "transform:translateX(-9999px)",
    "scale:0",
    "filter:blur(1px) opacity(0)",
    "color:transparent",
    "color:rgba(1,2,3,0)",
    "color:rgb(0 0 0 / 0%)",
    "color:#0000",
    "color:#11223300",
    "-webkit-text-fill-color:transparent",
]
SHOWING_STYLES = [
    "opacity:0.5",
    "opacity:1e0",
    "font-size:calc(1rem + 1vw)",
    "font:12px/0 a",
    "font:700 12px / 0 a",
    "font:oblique 0deg 12px a",
    "line-height:0",
    "height:0;padding-bottom:56%",
    "height:0;padding-bottom:56.25%;overflow:hidden;position:relative",
    "width:0",
    "max-height:0",
    "overflow:hidden;height:40px",
    "position:absolute;left:-10px",
    "position:relative;left:-1200px",
    "left:-9999px",
    "margin-bottom:-9999px;padding-bottom:9999px",
    "margin:0 -15px",
    "text-indent:-1.5em;padding-left:1.5em",
    "clip-path:inset(10% 5%)",
    "clip-path:circle(50%)",
    "clip:rect(0,100px,100px,0)",
    "transform:scale(0.9) translate(-50%,-50%)",
    "transform:scaleX(-1)",
    "scale:-1 1",
    "color:#000",
    "color:#000000",
    "color:rgba(0,0,0,.5)",
    "color:rgb(0,0,0)",
    "background:transparent",
    "background:linear-gradient(red,blue);-webkit-background-clip:text;color:transparent",
    "color:transparent;text-shadow:0 0 5px #000",
]


@pytest.mark.parametrize("source", [*HIDDEN, *(f'<p>Nice<div style="{style}">secret</div>' for style in HIDING_STYLES)])
def test_what_markup_hides_from_people_is_not_read_to_a_model(source: str) -> None:
    known = KnownOrigins("https://shop.example")
    for shown in (paragraphs(source), line(source), safe_html(source), markdown(safe_html(source, known=known))):
        assert "Nice" in shown
        assert "secret" not in shown


@pytest.mark.parametrize(
    "source",
    [
        '<p data-x=hidden title="hidden">Nice</p>',
        '<p style="display:block;opacity:0.5;font-size:10px">Nice</p>',
        "&lt;!-- Nice --&gt;",
        "&lt;div hidden&gt;Nice",
        '<p style="display:none">secret</p></p><p>Nice</p>',
        "<details><summary>More</summary>Nice</details>",
        "<select><option>Nice</select>",
        "<svg/>Nice",
        "<p hidden><param>a</p>Nice",
        "<p><b style='display:none'>a</b>Nice</p>",
        "<table><tr><td><b style='display:none'>a</td><td>Nice</table>",
        *(f'<p style="{style}">Nice</p>' for style in SHOWING_STYLES),
        '<ul style="font-size:0"><li style="font-size:14px">Nice</ul>',
        '<div style="font:0/0 a"><div><b style="font:bold 1rem/1 Arial">Nice</b></div></div>',
        '<div style="color:transparent"><p style="color:#333">Nice</p></div>',
        '<div style="text-indent:-9999px"><p style="text-indent:0">Nice</p></div>',
        '<div style="font-size:0"><i style="font-size:9px">a</i></div>Nice',
    ],
)
def test_what_people_see_is_read(source: str) -> None:
    assert "Nice" in paragraphs(source)
    assert "Nice" in safe_html(source)


@pytest.mark.parametrize(
    "source",
    [
        '<div style="font-size:0">secret<p style="font-size:9px">Nice</p>secret</div>',
        '<div style="font-size:0"><i style="font-size:2em">secret</i><p style="font-size:9px">Nice<b hidden>secret',
        '<div style="font-size:0"><p style="font-size:bogus">secret</p><p style="font-size:12">secret</p></div>Nice',
        '<div style="font-size:0;color:transparent"><p style="font-size:9px">secret</p></div>Nice',
        '<div style="color:transparent"><p style="color:bogus">secret<p style="color:inherit">secret</div>Nice',
        '<div style="display:none"><p style="display:block;font-size:9px">secret</p></div>Nice',
        '<ul style="font-size:0"><li style="font-size:9px">Nice<li>secret</ul>',
    ],
)
def test_what_sets_its_own_size_or_colour_is_read_out_of_what_has_none(source: str) -> None:
    for shown in (paragraphs(source), markdown(safe_html(source))):
        assert "Nice" in shown
        assert "secret" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u0631\u0648\u0645",  # Persian: "I go", written apart
        "\u0d28\u0d4d\u200d",  # Malayalam: a chillu at the end of a word
        "\u0915\u094d\u200d\u0937",  # Devanagari: a half form
        "\U0001f469\u200d\U0001f680",  # one emoji of two
        "\u2764\ufe0f\u200d\U0001f525",
    ],
)
def test_joiners_survive_where_a_script_needs_them(text: str) -> None:
    assert visible_text(text) == line(text) == text


def test_joiners_go_where_they_spell_nothing() -> None:
    assert visible_text("pay\u200c\u200d now\u200d") == "pay now"
    assert visible_text("\u0645\u200c\u200c\u200d\u200c\u06cc") == "\u0645\u200c\u06cc"
    assert visible_line("Ada\u202e\r\nBcc:\tx") == "Ada Bcc: x"


def test_a_long_text_is_cut_between_words() -> None:
    assert line("one two three four", 10) == "one two…"
    assert line("x" * 30, 10) == "x" * 9 + "…"
    assert line("Pickle\n <b>Spear</b>") == "Pickle Spear"


def test_links_of_a_page_lead_to_the_shop_and_the_shops_directives_go() -> None:
    known = KnownOrigins("https://shop.example")
    html = safe_html('<a href="/returns">a</a><a href="#b">b</a>{{widget type="x"}}', known=known)

    assert 'href="https://shop.example/returns"' in html
    assert 'href="#b"' in html
    assert "{{" not in html
    assert markdown("<h2>Returns</h2><ul><li>a</li></ul>") == "## Returns\n\n- a"


@pytest.mark.parametrize(
    "reference",
    [
        None,
        "",
        "//x.example/a",
        "/a.png",
        "ftp://x.example/a",
        "javascript:1",
        "https://",
        "https://x.example/ a",
        "https://x.example/\u202e",
        "https://[x",
        "https://x.example/" + "a" * 3000,
    ],
)
def test_only_absolute_web_addresses_are_links(reference: str | None) -> None:
    assert web_url(reference) is None


@pytest.mark.parametrize("columns", ["\u00b2", "1000", "0", "-1", "two"])
def test_a_cell_spans_a_few_columns_or_one(columns: str) -> None:
    assert markdown(safe_html(f"<table><tr><td colspan='{columns}'>a</td></tr></table>")).endswith("\n| a |")
    assert 'colspan="2"' in safe_html("<table><tr><td colspan=2>a</td></tr></table>")


def test_a_good_address_stays_as_it_is() -> None:
    assert web_url("https://x.example/a.svg") == "https://x.example/a.svg"
    assert absolute_link("https://[x", site="https://shop.example") is None
    assert absolute_link("a", site="") is None
    assert safe_html('<a href="tel:+61">a</a>').startswith('<a href="tel:+61"')
