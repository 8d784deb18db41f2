"""Which addresses reach an agent, and what is left of a text with others."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import example, given, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from storefront_mcp.backends.links import (
    ADDRESS,
    KnownOrigins,
    is_public_host,
    markdown_safe,
    without_foreign_links,
)
from storefront_mcp.backends.sanitizing import code, line, markdown, paragraphs, safe_html

SHOP = KnownOrigins(
    "https://www.shop.example", ("http://127.0.0.1:8000", "https://cdn.example"), "https://api.shop.example"
)
COMMON_MARK = MarkdownIt("commonmark").enable("table")

HOSTILE_TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["!", "[", "x", "]", "(", ")", "](", "![x](", "//evil.example/a)", "/", "https:/", "\n\n", " "]
        ),
        st.sampled_from(
            ["`", "```", "````", "~~~", "\n", "\n```\n", "\\", "&lt;", "img src=x", "b", "&gt;", "    ", "#"]
        ),
        st.sampled_from(
            ["https://10.0.0.1/a", "javascript:x", "![x](http://10.0.0.1/a)", "[x](javascript:y)", "[x]: "]
        ),
    ),
    max_size=8,
).map("".join)
ELEMENTS = st.sampled_from("pre code kbd samp p b i q span div li ul ol dd dl dt blockquote td tr table h2 sub".split())
HOSTILE_PAGES = st.recursive(
    st.one_of(
        HOSTILE_TEXTS,
        HOSTILE_TEXTS.map(lambda text: f'<img alt="{text}" src="/a.png">'),
        HOSTILE_TEXTS.map(lambda text: f'<img alt="{text}">'),
        st.just("<br>"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.builds("<{0}>{1}</{0}>".format, ELEMENTS, inner),
        st.builds('<a href="/r" title="{}">{}</a>'.format, HOSTILE_TEXTS, inner),
        st.builds('<a href="https://other.example/{}">{}</a>'.format, HOSTILE_TEXTS, inner),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("url", "known", "linked"),
    [
        ("https://www.shop.example/a", True, True),
        ("https://shop.example/a", True, True),
        ("https://media.shop.example/a.png", True, True),
        ("https://cdn.example/a.png", True, True),
        ("http://127.0.0.1:8000/media/a.png", True, True),
        ("https://other.example/a", False, True),
        ("https://api.shop.example/a", False, False),
        ("http://www.shop.example/a", False, False),
        ("https://www.shop.example:8443/a", False, True),
        ("https://www.shop.example.evil.example/a", False, True),
        ("https://evilshop.example/a", False, True),
        ("https://a.cdn.example/a", False, True),
        ("http://127.0.0.1:9000/a", False, False),
        ("https://127.0.0.1/a", False, False),
        ("https://2130706433/a", False, False),
        ("https://0x7f.1/a", False, False),
        ("https://[::1]/a", False, False),
        ("https://10.1.2.3/a", False, False),
        ("https://8.8.8.8/a", False, True),
        ("https://printer/a", False, False),
        ("https://db.internal/a", False, False),
        ("https://www.shop.example@evil.example/a", False, False),
        ("https://www.shop.example\\@evil.example/a", False, False),
        ("//www.shop.example/a", False, False),
        ("javascript:alert(1)", False, False),
        ("https://[x", False, False),
        ("https://www.shop.example:port/", False, False),
        ("https://evil.example&sol;.shop.example/a.png", False, False),
        ("https://evil.example%2f.shop.example/a.png", False, False),
        ("", False, False),
    ],
)
def test_an_address_is_of_the_shop_or_of_the_public_or_of_nobody(url: str, known: bool, linked: bool) -> None:
    assert (SHOP.has(url), SHOP.may_link(url)) == (known, linked)


def test_a_website_at_an_ip_address_has_no_names_below_it() -> None:
    assert KnownOrigins("https://192.0.2.1").has("https://192.0.2.1/a")
    assert not KnownOrigins("https://192.0.2.1").has("https://5.192.0.2.1/a")
    assert not is_public_host("fe80::1")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("![x](https://evil.example/?q=1)", "[x] ((link removed))"),
        ("[pay](javascript:alert)", "[pay] ((link removed))"),
        ("[pay]: https://evil.example", "[pay] : (link removed)"),
        ("See https://evil.example/a.", "See (link removed)."),
        ("See //evil.example/a now", "See (link removed) now"),
        ("a" * 32 + "https://evil.example/leak", "aaaaaa(link removed)"),
        ("Weighs 5.https://evil.example/a", "Weighs 5.(link removed)"),
        ("-https://evil.example/a", "-(link removed)"),
        ("s://evil.example/a", "(link removed)"),
        ("//[::1]/a", "(link removed)"),
        ("data:1,x", "(link removed)"),
        ("!![x](https://evil.example/a)", "[x] ((link removed))"),
        ("Wow!!![x]!", "Wow[x]!"),
        ("[x]https://evil.example/a", "[x] (link removed)"),
        ("&lt;img src=//evil.example/x&gt;", "< img src=(link removed)>"),
        ("DATA:text/html,x", "(link removed)"),
        ("See https://shop.example/a.", "See https://shop.example/a."),
        ("![x](https://media.shop.example/a.png)", "[x] (https://media.shop.example/a.png)"),
        ("Made in JavaScript: fun", "Made in JavaScript: fun"),
        ("Size: M, ratio 1:2, and/or, 24/7", "Size: M, ratio 1:2, and/or, 24/7"),
        ("a < b [sic]", "a < b [sic]"),
    ],
)
def test_a_description_names_no_address_but_the_shops(said: str, shown: str) -> None:
    assert paragraphs(said, known=SHOP) == shown


def test_a_name_and_an_id_name_none_at_all() -> None:
    assert line("Paddle https://shop.example/a") == "Paddle (link removed)"
    assert code("![x](https://evil.example)") == "[x] ((link removed))"
    assert (code("PAD-1"), code(7), code(None), code("x" * 99)) == ("PAD-1", "7", "", "x" * 64)


@given(
    st.lists(
        st.sampled_from(
            ["![", "](", "https://e.example", "javascript:", "x", " ", "<b>", "//e", ":", "[", ")", "!", "]", "1", "/"]
        )
    )
)
def test_what_was_cleaned_has_nothing_to_clean(parts: list[str]) -> None:
    text = without_foreign_links("".join(parts), lambda _: False)
    assert "![" not in text
    assert "](" not in text
    assert ADDRESS.search(text) is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<img src="https://evil.example/a.png" alt="A [b](c)">', "A \\[b] (c)"),
        ('<img src="/a.png" alt="A">', "![A](https://www.shop.example/a.png)"),
        ('<a href="javascript:x">a</a>', "a"),
        ('<a href="http://10.0.0.1/x">a</a>', "a"),
        ('<a href="https://api.shop.example/x">a</a>', "a"),
        ('<a href="https://other.example/x">a</a>', "[a](https://other.example/x)"),
        (
            '<a href="/r)![x](https://evil.example/">a</a>',
            "[a](https://www.shop.example/r%29!%5Bx%5D%28https://evil.example/)",
        ),
        ("![x](https://evil.example)", "\\[x] (https://evil.example)"),
        ("[c](<b>javascript:x)</b>", "\\[c] (**(link removed))**"),
        ("see http://10.0.0.1/x", "see (link removed)"),
        ("&lt;img src=x&gt;", "< img src=x>"),
        (
            "<pre>```\n\n![x](https://10.0.0.1/a)\n[y](javascript:z)</pre>",
            "````\n```\n\n[x] ((link removed))\n[y] ((link removed))\n````",
        ),
        ("<pre>a\n  b `c`</pre>", "```\na\n  b `c`\n```"),
        ("<code>a<br><br>!<b>[x]</b>(https:/<i>/10.0.0.1/)</i></code>", "`a [x] ((link removed))`"),
        ("a ` b <code>c</code>", "a \\` b `c`"),
        ('Wow!<a href="https://other.example/x">a</a>', "Wow\\![a](https://other.example/x)"),
        ("~~~", "\\~\\~\\~"),
        ("&lt;<b>img src=/</b>/evil.example/&gt;", "\\<**img src=/**/evil.example/>"),
        ('<img alt="!"><img alt="[x]">(/<q>/evil.example/)</q>', '!\\[x\\](/"/evil.example/)"'),
        ('<img src="/a.png" alt="A\n\n# `b">', "![A # \\`b](https://www.shop.example/a.png)"),
        (
            '<a href="/r" title="x&quot;\n\n# \\">a</a>',
            '[a](https://www.shop.example/r "x\\" # \\\\")',
        ),
        ("C:\\a [sic] ~5", "C:\\\\a \\[sic] \\~5"),
        ("<table><tr><td>a<pre>b\n\nc</pre></table>", "|  |\n| --- |\n| a  ``` b  c ``` |"),
    ],
)
def test_a_page_shows_pictures_of_the_shop_and_leads_to_public_hosts(html: str, text: str) -> None:
    assert markdown(safe_html(html, known=SHOP), known=SHOP) == text


@pytest.mark.parametrize("element", ["code", "kbd", "samp"])
def test_code_of_every_kind_is_looked_at(element: str) -> None:
    html = f"a <{element}> ![x](http://10.0.0.1/) `</{element}>"
    assert markdown(html, known=SHOP) == "a  `` [x] ((link removed)) ` ``"


@given(HOSTILE_PAGES)
@example('!<a href="https://other.example/">a</a>')
@example("<pre>```\n\n![x](https://evil.example/a)\n\n[y](javascript:z)\n</pre>")
@example("a ` <code>![x](https://evil.example/a)</code> `")
@example("<code>a<br><br>![x](https://evil.example/a)</code>")
@example("&lt;<b>img src=/</b>/evil.example/&gt;")
def test_no_text_of_a_page_becomes_a_picture_a_link_or_a_tag(source: str) -> None:
    rendered = markdown(safe_html(source, known=SHOP), known=SHOP)
    for token in every_token(COMMON_MARK.parse(rendered)):
        assert token.type not in {"html_block", "html_inline"}
        if token.type == "image":
            assert SHOP.has(str(token.attrs["src"]))
        if token.type == "link_open":
            assert SHOP.may_link(str(token.attrs["href"]))


def every_token(tokens: Iterable[Token]) -> Iterator[Token]:
    """Tokens with those inside of them, at any depth."""
    for token in tokens:
        yield token
        yield from every_token(token.children or ())


def test_a_target_in_markdown_ends_where_it_should() -> None:
    assert markdown_safe("https://a.example/(x)<y>[z]\"'`") == "https://a.example/%28x%29%3Cy%3E%5Bz%5D%22%27%60"
