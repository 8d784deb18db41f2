"""The page of a filled cart: what it shows, what it asks for beside which field, and where it leads."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.checkout_sessions import SessionRequest, SessionState, WantedLine, replace_cart_lines
from storefront_mcp.checkout_sessions.cart_links import MAX_TOKEN_CHARS, CartLinks
from storefront_mcp.checkout_sessions.unconfigured_items import page_with_items
from storefront_mcp.commerce.errors import AddressRefused, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.web.formatting import country_names
from storefront_mcp.web.security import masked_path
from tests.fakes.memory_backend import STORE, roadmap
from tests.unit.checkout_sessions.environment import BUYER, HOBART, JAR
from tests.unit.web.carts import LINKS, CartPages
from tests.unit.web.test_payment_page import FORM, policy, words

WHOLE = {
    "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "street": "1 Brine St",
    "postcode": "7000", "city": "Hobart", "region": "TAS", "country": "AU", "phone": "1",
}  # fmt: skip


async def ask(pages: CartPages, method: str, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(pages.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=pages.store.origin) as client:
        return await client.request(method, path, **options)


def address_of(state: SessionState) -> str:
    return f"/cart/{LINKS.token(CartId(state.cart.cart_id))}"


async def sent(pages: CartPages, state: SessionState, headers: Any = None, **fields: str) -> httpx.Response:
    form = urlencode(WHOLE | fields)
    return await ask(pages, "POST", address_of(state), content=form, headers=FORM if headers is None else headers)


def invalid(answer: httpx.Response) -> dict[str, str]:
    """What stands beside which field."""
    found = {}
    for name in re.findall(r'aria-(?:invalid="true" aria-)?describedby="(\w+)-wrong"', answer.text):
        (text,) = re.findall(rf'<small class="wrong" id="{name}-wrong">(.*?)</small>', answer.text)
        found[name] = text
    return found


async def test_a_person_fills_in_the_form_and_comes_to_the_payment_page() -> None:
    pages = CartPages()
    state = await pages.begun()
    assert state.continue_url == f"https://pickle.example{address_of(state)}"

    first = await ask(pages, "GET", address_of(state))
    assert first.status_code == 200
    assert "Dill pickles Quantity 2 A$20.00 Subtotal A$20.00 Total AUD A$20.00" in words(first)
    assert '<option value="AU"' in first.text
    assert "See how it can be sent" in words(first)
    assert invalid(first) == {}, "nothing is wrong before anything was sent"

    quoted = await sent(pages, state)
    assert quoted.status_code == 200
    assert invalid(quoted) == {"option": "Please choose how it is sent."}
    assert "Post, A$9.95 Van, A$0.00" in words(quoted)
    assert 'value="1 Brine St"' in quoted.text
    assert '<option value="AU" selected>' in quoted.text

    done = await sent(pages, state, option="van")
    assert done.status_code == 303
    assert done.headers["location"].startswith("https://pickle.example/pay/")
    again = await ask(pages, "GET", address_of(state))
    assert (again.status_code, again.headers["location"]) == (303, done.headers["location"])
    told = await pages.here.sessions.read(pages.here.runner(), state.id)
    assert (told.status, told.continue_url) == ("requires_escalation", done.headers["location"])
    assert told.buyer is not None
    assert told.buyer.email == "ada@example.com"


async def test_a_cart_of_our_own_tools_has_a_page_too() -> None:
    pages = CartPages(replace(STORE, locale="en-AU"))
    cart = await pages.here.runner().run("create_cart")
    await pages.here.runner().run("add_to_cart", cart_id=cart.cart_id, sku="BREAD")
    path = f"/cart/{LINKS.token(cart.cart_id)}"
    shown = await ask(pages, "GET", path)
    assert "Rye bread" in words(shown)
    assert '<option value="AU" selected>Australia' in shown.text, "where the store is"
    answer = await ask(pages, "POST", path, content=urlencode(WHOLE | {"option": "post"}), headers=FORM)
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("fields", "beside"),
    [
        ({"email": ""}, {"email": "Please fill this in."}),
        ({"first_name": " ", "last_name": ""}, {"first_name": "Please fill this in."}),
        ({"street": "", "city": ""}, {"street": "Please fill this in.", "city": "Please fill this in."}),
        ({"country": ""}, {"country": "Please fill this in."}),
        ({"country": "NZ"}, {"country": "The shop does not deliver to &#39;NZ&#39;."}),
        ({"email": "nobody"}, {"email": "email is no e-mail address, and the order&#39;s confirmation goes there."}),
        ({"postcode": "7" * 21}, {"postcode": "postcode: wanted"}),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(fields: dict[str, str], beside: dict[str, str]) -> None:
    pages = CartPages()
    state = await pages.begun()
    answer = await sent(pages, state, **({"option": "van"} | fields))
    assert answer.status_code == 200
    found = invalid(answer)
    assert found.keys() == beside.keys()
    for name, text in beside.items():
        assert text in found[name] or name == "postcode"
    assert "Please look at what is marked below." in words(answer)
    mended = await sent(pages, state, option="van")
    assert mended.status_code == 303


async def test_what_an_agent_knew_is_filled_in() -> None:
    pages = CartPages()
    state = await pages.begun(
        buyer=BUYER, destination=replace(HOBART, street="1 Brine St\nUnit 2", country="Australia")
    )
    shown = await ask(pages, "GET", address_of(state))
    for value in ("ada@example.com", "Ada", "1 Brine St, Unit 2", "Hobart", "7000"):
        assert f'value="{value}"' in shown.text
    assert '<option value="Australia" selected>' in shown.text


async def test_what_belongs_to_no_field_stands_above_the_form() -> None:
    pages = CartPages()
    state = await pages.begun(lines=(WantedLine(sku="DILL", quantity=1), WantedLine(sku="JAR-1", quantity=1)))
    shown = await ask(pages, "GET", address_of(state))
    assert "Named pickle jar This is not in the cart yet. It needs: Name on the lid." in words(shown)
    assert f'<a href="{JAR}">Open its page in the shop</a>' in shown.text


async def test_nobody_pays_without_an_item_that_needs_options_unless_they_say_so() -> None:
    pages = CartPages()
    wanted = (WantedLine(sku="DILL", quantity=1), WantedLine(sku="JAR-1", quantity=1))
    state = await pages.begun(lines=wanted)
    assert state.continue_url == f"https://pickle.example{address_of(state)}"
    unsaid = await sent(pages, state, option="van")
    assert unsaid.status_code == 200
    assert invalid(unsaid) == {"without": "Put it into the cart above, or tick this box to go on without it."}
    assert "Go on without Named pickle jar" in words(unsaid)
    assert 'value="1 Brine St"' in unsaid.text
    done = await sent(pages, state, option="van", without="yes")
    assert done.status_code == 303
    assert [line.sku for line in (await pages.here.shelf_cart(state.cart.cart_id)).lines] == ["DILL"]


async def test_the_page_takes_the_options_of_an_item() -> None:
    pages = CartPages()
    state = await pages.begun(lines=(WantedLine(sku="JAR-1", quantity=2),))
    shown = await ask(pages, "GET", address_of(state))
    assert "Your choice is needed" in words(shown)
    assert re.search("2 . Named pickle jar", words(shown))
    assert "This cart is empty" not in shown.text
    assert "E-mail" not in words(shown), "there is nothing to send yet"
    assert '<input id="item-1-1" name="option.7" type="text" value="" maxlength="12" required>' in shown.text
    assert "Gold (+A$1.50)" in words(shown)

    def configured(**options: str) -> Any:
        fields = {"sku": "JAR-1", **{f"option.{name[1:]}": value for name, value in options.items()}}
        return ask(pages, "POST", address_of(state), content=urlencode(fields), headers=FORM)

    refused = await configured(_7="Ada of the very long name", _8="82")
    assert "takes at most 12 characters" in html.unescape(words(refused))
    assert 'value="Ada of the very long name"' in refused.text
    assert '<option value="82" selected>' in refused.text
    again = await configured(_7="Ada", _8="82")
    assert re.search("Named pickle jar [^$]*Ada", words(again))
    assert "This is not in the cart yet." not in again.text
    assert (await configured(_7="Bob", _8="82")).status_code == 200, "sent twice"
    (line,) = (await pages.here.shelf_cart(state.cart.cart_id)).lines
    assert (line.sku, line.quantity, line.options["Name on the lid"]) == ("JAR-1", 2, "Ada")
    done = await sent(pages, state, option="van")
    assert done.status_code == 303


async def test_a_cart_without_a_session_shows_the_items_that_its_address_names() -> None:
    pages = CartPages()
    runner = pages.here.runner()
    cart = await runner.run("create_cart")
    wanted = (WantedLine(sku="JAR-1", quantity=1), WantedLine(sku="BREAD", quantity=1))
    _, problems = await replace_cart_lines(runner, cart.cart_id, wanted, None)
    url = page_with_items(LINKS.page(runner, cart.cart_id), problems)
    path = str(url).removeprefix("https://pickle.example")
    assert path.endswith("?item=JAR-1%3A1")
    shown = await ask(pages, "GET", f"{path}&item=NOTHING%3A1&item=DILL%3A1&item=JAR-1%3Ax")
    assert words(shown).count("This is not in the cart yet.") == 1
    whole = WHOLE | {"option": "post"}
    unsaid = await ask(pages, "POST", path, content=urlencode(whole), headers=FORM)
    assert invalid(unsaid).keys() == {"without"}
    taken = await ask(pages, "POST", path, content=urlencode({"sku": "JAR-1", "option.7": "Ada"}), headers=FORM)
    assert taken.status_code == 303, "all else was told already"
    assert {line.sku for line in (await pages.here.shelf_cart(cart.cart_id)).lines} == {"JAR-1", "BREAD"}


async def test_who_goes_on_without_an_item_of_the_address_is_asked_once() -> None:
    pages = CartPages()
    cart = await pages.here.runner().run("create_cart")
    await pages.here.runner().run("add_to_cart", cart_id=cart.cart_id, sku="BREAD")
    path = f"/cart/{LINKS.token(cart.cart_id)}?item=JAR-1%3A1"
    quoted = await ask(pages, "POST", path, content=urlencode(WHOLE | {"without": "yes"}), headers=FORM)
    assert 'name="without" value="yes" required checked' in quoted.text
    answer = await ask(
        pages, "POST", path, content=urlencode(WHOLE | {"without": "yes", "option": "post"}), headers=FORM
    )
    assert answer.status_code == 303


async def test_an_empty_cart_says_so() -> None:
    pages = CartPages()
    state = await pages.begun()
    await pages.here.sessions.update(pages.here.runner(), state.id, SessionRequest(lines=()))
    for answer in (await ask(pages, "GET", address_of(state)), await sent(pages, state)):
        assert "This cart is empty" in words(answer)
    pages.here.shelf.forget()
    assert "This cart is empty" in words(await ask(pages, "GET", address_of(state)))


async def test_a_cart_whose_session_is_over_goes_on() -> None:
    pages = CartPages()
    state = await pages.begun(buyer=BUYER)
    await pages.here.sessions.cancel(pages.here.runner(), state.id)
    shown = await ask(pages, "GET", address_of(state))
    assert "Your cart" in words(shown)
    assert BUYER.email not in shown.text
    assert (await sent(pages, state, option="van")).status_code == 303


async def test_an_ordered_cart_says_so() -> None:
    pages = CartPages()
    state = await pages.begun(buyer=BUYER, destination=HOBART, option="van")
    pages.here.shelf.fails_before = [ShopOutcomeUnknown(over=False)]
    await pages.here.pay(state)
    assert "Placing your order" in words(await ask(pages, "GET", address_of(state)))
    assert "Placing your order" in words(await sent(pages, state))
    pages.here.pass_time(hours=1)
    await pages.here.reconciler.run_once()
    pages.here.pass_time(hours=1)
    await pages.here.reconciler.run_once()
    assert "Your order is placed. Its number is 10001." in words(await ask(pages, "GET", address_of(state)))
    assert "Thank you" in words(await sent(pages, state))


async def test_a_person_is_not_told_to_ask_the_buyer() -> None:
    pages = CartPages()
    state = await pages.begun()
    pages.here.shelf.before["shipping_methods"] = [AddressRefused("AU has no region 'XX'. It has: Tasmania (TAS).")]
    page = words(await sent(pages, state, region="XX"))
    assert "AU has no region 'XX'. It has: Tasmania (TAS)." in html.unescape(page)
    assert "Ask the buyer" not in page


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_asked_for_an_address_while_nothing_can_be_ordered(method: str) -> None:
    pages = CartPages(under=roadmap("p1_browse", "p2_cart", p3_checkout="paused"))
    state = await pages.begun()
    options: dict[str, Any] = {"content": urlencode(WHOLE), "headers": FORM} if method == "POST" else {}
    answer = await ask(pages, method, address_of(state), **options)
    assert "Closed for now" in words(answer)
    assert "<form" not in answer.text
    kept = await pages.here.sessions.read(pages.here.runner(), state.id)
    assert (kept.buyer, kept.destination) == (None, None)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_has_paid_is_told_so_while_nothing_more_can_be_ordered(method: str) -> None:
    pages = CartPages()
    state = await pages.begun(buyer=BUYER, destination=HOBART, option="van")
    await pages.here.pay(state)
    pages.under = roadmap("p1_browse", "p2_cart", p3_checkout="paused")
    options: dict[str, Any] = {"content": urlencode(WHOLE), "headers": FORM} if method == "POST" else {}
    assert "Your order is placed. Its number is 10001." in words(await ask(pages, method, address_of(state), **options))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_closed_phases_and_a_shop_that_is_down_are_told(method: str) -> None:
    pages = CartPages(under=roadmap("p1_browse", p2_cart="paused"))
    state = await pages.begun()
    options: dict[str, Any] = {"content": urlencode(WHOLE), "headers": FORM} if method == "POST" else {}
    assert "Closed for now" in words(await ask(pages, method, address_of(state), **options))
    pages = CartPages()
    state = await pages.begun()
    pages.here.shelf.down = ShopDown()
    down = await ask(pages, method, address_of(state), **options)
    assert (down.status_code, down.headers["retry-after"]) == (503, "60")


@pytest.mark.parametrize("token", ["nobody", "x" * (MAX_TOKEN_CHARS + 1), "ä", "A" * 48, "cart_abc"])
async def test_an_address_that_was_not_given_out_is_not_found(token: str) -> None:
    pages = CartPages()
    for method, options in (("GET", {}), ("POST", {"content": "", "headers": FORM})):
        answer = await ask(pages, method, f"/cart/{token}", **options)  # type: ignore[arg-type]
        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "no-store"


async def test_a_cart_that_is_gone_or_somebody_elses_is_not_found() -> None:
    pages = CartPages()
    unknown = await ask(pages, "GET", f"/cart/{LINKS.token(CartId('cart_unknown'))}")
    state = await pages.begun()
    key = (STORE.id, CartId(state.cart.cart_id))
    pages.here.handles.records[key] = replace(pages.here.handles.records[key], owner="customer-1")
    owned = await ask(pages, "GET", address_of(state))
    assert (unknown.status_code, owned.status_code) == (404, 404)
    assert "Dill" not in owned.text


async def test_the_page_has_no_script_and_stays_private() -> None:
    pages = CartPages()
    state = await pages.begun()
    answer = await ask(pages, "GET", address_of(state))
    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert policy(answer)["default-src"] == ["'none'"]
    assert state.cart.cart_id not in answer.text + str(answer.headers), "the handle is a key to the cart's tools"
    assert masked_path(address_of(state)) == "/cart/…"
    head = await ask(pages, "HEAD", address_of(state))
    assert (head.status_code, head.content) == (200, b"")


async def test_a_form_of_another_site_is_refused() -> None:
    pages = CartPages()
    state = await pages.begun()
    foreign = await sent(pages, state, headers=FORM | {"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await pages.here.sessions.read(pages.here.runner(), state.id)).buyer is None


async def test_what_is_typed_is_shown_as_text_and_not_kept_at_any_length() -> None:
    pages = CartPages()
    state = await pages.begun()
    answer = await sent(pages, state, city='"><img src=x>', region="R" * 10_000)
    assert "<img src=x>" not in answer.text
    assert "R" * 301 not in answer.text


@pytest.mark.parametrize("locale", ["de-DE", "fr", "es-MX", "ja-JP", "ar", "nl"])
async def test_the_page_speaks_the_language_of_the_store(locale: str) -> None:
    pages = CartPages(replace(STORE, locale=locale))
    state = await pages.begun()
    answer = await sent(pages, state, email="", country="NZ")
    titles = {
        "de": "Ihr Warenkorb",
        "fr": "Votre panier",
        "es": "Tu carrito",
        "ja": "カート",
        "ar": "سلة مشترياتك",
        "nl": "Your cart",
    }
    assert f"<h1>{titles[locale[:2]]}</h1>" in answer.text
    if locale != "nl":
        assert '<span lang="en" dir="ltr">The shop does not deliver to' in answer.text


def test_countries_are_those_of_iso_3166_by_name() -> None:
    names = country_names("de-AT")
    assert len(names) > 240
    assert ("AT", "Österreich") in names
    assert [code for code, _ in names].index("AT") < [code for code, _ in names].index("PL")
    assert not {"ZZ", "EU", "XA"} & {code for code, _ in names}
    assert len(country_names("ja")) == len(names)


def test_a_token_tells_its_cart_to_this_store_only() -> None:
    cart = CartId("cart_abc")
    token = LINKS.token(cart)
    assert LINKS.cart(token) == cart
    assert LINKS.token(cart) == token
    assert "abc" not in token
    assert CartLinks(replace(STORE, id=StoreId("other")), b"k" * 32).cart(token) is None
    assert CartLinks(STORE, b"x" * 32).cart(token) is None
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    assert LINKS.cart(changed) is None
    assert LINKS.cart("") is None


def test_the_cart_of_somebody_who_signed_in_has_no_page() -> None:
    pages = CartPages()
    customer = pages.here.runner(caller=Caller(kind="customer", principal="1"))
    assert LINKS.page(customer, CartId("cart_abc")) is None
