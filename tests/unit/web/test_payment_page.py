"""The page where a person pays: what it shows, what it does, and what it never gives away."""

import base64
import hashlib
import logging
import re
from typing import Any

import httpx
import pytest
from litestar import get
from litestar.params import FromPath
from msgspec.structs import replace

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.order import OutstandingPayment
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.provider import ProviderDown
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.payment_page import REFRESH_SECONDS
from tests.fakes.memory_backend import STORE, aud
from tests.unit.web.buying import OPEN_PAGE, STATES, TOKEN, TRANSFER, FakePaying, buyer_app, page
from tests.unit.web.serving import ServedStore, elsewhere

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
ADDRESS = f"/pay/{TOKEN}"


async def ask(
    paying: FakePaying, method: str, path: str = ADDRESS, *, store: Store = STORE, more: Any = (), **options: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(buyer_app(paying, store, more=more), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=store.origin) as client:
        return await client.request(method, path, **options)


async def paid(paying: FakePaying, form: str = "shown=34205", headers: Any = None) -> httpx.Response:
    return await ask(paying, "POST", content=form, headers=FORM if headers is None else headers)


def words(answer: httpx.Response) -> str:
    """What a person reads."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(text.split())


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    (line,) = answer.headers.get_list("content-security-policy")
    return {name: rest for name, *rest in (part.split() for part in line.split(";"))}


async def test_a_checkout_is_shown_with_everything_that_makes_up_its_total() -> None:
    paying = FakePaying()
    answer = await ask(paying, "GET", store=replace(STORE, locale="en-AU"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    said = words(answer)
    for wanted in (
        "Review and pay",
        "Carbon paddle Quantity 1 $279.00",
        "Court shirt Quantity 2 Size: M Colour: Dill green $90.00",
        "Subtotal $369.00 Discount \N{MINUS SIGN}$36.90 Shipping $9.95",
        "Total AUD, includes $31.10 tax $342.05",
        "Delivered to Fitzroy, Australia Delivered by Standard delivery E-mail j…@example.com",
        "Pay $342.05",
        "for another 23 hours, until 21 November 2026, 11:00 UTC",
    ):
        assert wanted in said
    assert '<html lang="en-AU">' in answer.text
    assert '<input type="hidden" name="shown" value="34205">' in answer.text
    assert "<script" not in answer.text
    assert paying.asked == [("page", TOKEN)]


async def test_tax_that_is_added_and_what_else_the_shop_adds_have_their_lines() -> None:
    totals = CartTotals(
        subtotal=aud(1000), shipping=aud(0), tax=aud(100), gift_cards=aud(50), other=aud(-1), total=aud(1049)
    )
    paying = FakePaying()
    paying.now = page(totals=totals)
    said = words(await ask(paying, "GET"))
    assert "Shipping A$0.00 Tax A$1.00 Gift cards \N{MINUS SIGN}A$0.50 Fees and rounding -A$0.01" in said
    assert "includes" not in said


async def test_english_words_are_marked_as_english_in_a_shop_that_speaks_otherwise() -> None:
    answer = await ask(FakePaying(), "GET", store=replace(STORE, locale="nl-NL"))
    assert '<html lang="en">' in answer.text
    assert '<span lang="nl-NL">Carbon paddle</span>' in answer.text
    assert "Pay AU$\N{NO-BREAK SPACE}342,05" in answer.text


@pytest.mark.parametrize(
    ("locale", "tag", "title", "button"),
    [
        ("de-DE", 'lang="de-DE"', "Prüfen und bezahlen", "bezahlen</button>"),
        ("fr", 'lang="fr"', "Vérifier et payer", ">Payer "),
        ("es-MX", 'lang="es-MX"', "Revisar y pagar", ">Pagar "),
        ("ja-JP", 'lang="ja-JP"', "確認して支払う", "を支払う</button>"),
        ("ar", 'lang="ar" dir="rtl"', "المراجعة والدفع", ">ادفع "),
    ],
)
async def test_the_page_speaks_the_language_of_the_store(locale: str, tag: str, title: str, button: str) -> None:
    answer = await ask(FakePaying(), "GET", store=replace(STORE, locale=locale))
    assert f"<html {tag}>" in answer.text
    assert f"<h1>{title}</h1>" in answer.text
    assert button in answer.text
    assert "Your order" not in answer.text
    lost = await ask(FakePaying(), "GET", "/pay/unknown", store=replace(STORE, locale=locale))
    assert "There is no order here" not in lost.text


async def test_what_is_on_record_in_english_is_marked_as_english() -> None:
    paying = FakePaying()
    paying.now = STATES["refused"]
    answer = await ask(paying, "GET", store=replace(STORE, locale="ar"))
    assert '<span lang="en" dir="ltr">The last paddle was sold while you paid.</span>' in answer.text


async def test_whole_addresses_are_shown_before_paying() -> None:
    paying = FakePaying()
    paying.now = page(
        recipient=("Ada Lovelace", "1 Brine St", "7000 Hobart, TAS", "AU"), billed_to=("Ada & Co.", "2 Vat Rd")
    )
    said = words(await ask(paying, "GET"))
    assert "Delivered to Ada Lovelace 1 Brine St 7000 Hobart, TAS AU Bill to Ada &amp; Co. 2 Vat Rd" in said


@pytest.mark.parametrize(
    ("state", "title", "sentence"),
    [
        ("changed", "Review and pay", "The total has changed. It was A$332.05 and is now A$342.05."),
        ("declined", "Review and pay", "The payment did not go through. Nothing was charged."),
        ("free", "Confirm your order", "Nothing is bought until you confirm."),
        ("confirming", "Checking your payment", "Please do not pay a second time."),
        ("ordering", "Placing your order", "Your payment is in hand, and the shop is taking your order."),
        ("ordered", "Thank you", "Your order is placed. Its number is 100000042"),
        ("refused", "The order was not placed", "Nothing was charged. The last paddle was sold while you paid."),
        ("expired", "This link has expired", "Nothing was charged. The time to pay has passed."),
        ("canceled", "This order was canceled", "Nothing was charged. Your assistant gave this order up."),
        ("attention", "We are looking into your order", "Please do not pay again."),
    ],
)
async def test_every_state_says_where_things_stand(state: str, title: str, sentence: str) -> None:
    paying = FakePaying()
    paying.now = STATES[state]
    answer = await ask(paying, "GET")
    assert answer.status_code == 200
    assert f"<title>{title} · Pickle Warehouse</title>" in answer.text
    assert f"<h1>{title}</h1>" in answer.text
    assert sentence in words(answer)


@pytest.mark.parametrize("state", [state for state, shown in STATES.items() if shown.state != "open"])
async def test_only_an_open_checkout_has_a_button(state: str) -> None:
    paying = FakePaying()
    paying.now = STATES[state]
    answer = await ask(paying, "GET")
    assert "<form" not in answer.text
    assert "<button" not in answer.text
    assert "link holds" not in answer.text


@pytest.mark.parametrize("path", [ADDRESS, "/pay/unknown"])
async def test_every_page_of_a_store_where_no_money_moves_says_test(path: str) -> None:
    pages = BuyerPages(brand_hue, test_stores={STORE.id})
    transport = httpx.ASGITransport(buyer_app(FakePaying(), pages=pages))
    async with httpx.AsyncClient(transport=transport, base_url=STORE.origin) as client:
        trial = await client.get(path)
    real = await ask(FakePaying(), "GET", path)

    assert "<title>TEST: " in trial.text
    assert "TEST No money moves here" in words(trial)
    assert "Enter no real card" in words(trial)
    assert "You enter your card" not in trial.text
    assert "TEST" not in words(real)


async def test_an_order_without_a_number_yet_is_still_an_order() -> None:
    paying = FakePaying()
    paying.now = page(state="ordered", email="", ships_to="", ships_by="", lines=())
    said = words(await ask(paying, "GET"))
    assert f"The shop can tell you its number if you name {paying.now.checkout_id} ." in said
    assert "confirmation" not in said.lower()


async def test_ways_to_pay_outside_have_a_button_each() -> None:
    paying = FakePaying()
    paying.now = page(offline=(TRANSFER, replace(TRANSFER, code="po", title="purchase order")))
    both = await ask(paying, "GET")
    assert both.text.count("<button") == 3
    assert 'name="by" value="banktransfer" class="other">Order now, pay by bank transfer</button>' in both.text
    paying.now = page(online=False, offline=(TRANSFER,))
    alone = await ask(paying, "GET")
    assert "<h1>Review your order</h1>" in alone.text
    assert 'name="by" value="banktransfer">Order now' in alone.text
    assert "card" not in words(alone)
    await paid(paying, "shown=34205&by=banktransfer")
    assert paying.asked[-1] == ("pay", TOKEN, 34205, "banktransfer")


async def test_an_order_by_bank_transfer_says_how_it_is_paid_and_promises_no_mail() -> None:
    paying = FakePaying()
    how = OutstandingPayment(method="Bank transfer", instructions="BSB 000-000.\n\nWithin <10> days.")
    paying.now = page(state="ordered", order_number="100000042", settles="offline", payment=how)
    answer = await ask(paying, "GET")
    assert "It is still to be paid: A$342.05 by Bank transfer . Please name the order number." in words(answer)
    assert re.search(r">BSB 000-000.</p>\n<p[^>]*>Within &lt;10&gt; days.</p>", answer.text)
    assert "confirmation" not in words(answer).lower()
    paying.now = page(state="ordering", settles="offline", payment=how)
    assert "Your payment" not in words(await ask(paying, "GET"))
    paying.now = page(state="ordered", order_number="100000042", confirms_by_mail=True)
    assert f"The confirmation goes to {paying.now.email}." in words(await ask(paying, "GET"))


async def test_head_is_get_without_a_body_and_asks_no_provider() -> None:
    paying = FakePaying()
    got, head = await ask(paying, "GET"), await ask(paying, "HEAD", f"{ADDRESS}?done=1")
    assert head.content == b""
    assert dict(head.headers) == dict(got.headers)
    assert paying.asked == [("page", TOKEN)] * 2
    missing = await ask(paying, "HEAD", "/pay/nobody")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_coming_back_asks_the_provider_and_then_looks_again_by_itself_ever_more_patiently() -> None:
    paying = FakePaying()
    paying.then = page(state="confirming")
    path, waits = f"{ADDRESS}?done=1", []
    for _ in range(len(REFRESH_SECONDS) + 2):
        answer = await ask(paying, "GET", path)
        seconds, _, path = answer.headers["refresh"].partition("; url=")
        waits.append(int(seconds))
        assert f'<a href="{path.replace("&", "&amp;")}">Look now</a>' in answer.text
        assert f'<a href="{ADDRESS}">Go back to the order</a>' in answer.text
    assert waits == [*REFRESH_SECONDS, REFRESH_SECONDS[-1], REFRESH_SECONDS[-1]]
    assert {asked[0] for asked in paying.asked} == {"returned"}
    paying.then = STATES["ordered"]
    assert "refresh" not in (await ask(paying, "GET", path)).headers


@pytest.mark.parametrize("look", ["-1", "x", "", "²", "9" * 400])
async def test_a_number_of_looks_that_is_none_is_the_first(look: str) -> None:
    paying = FakePaying()
    paying.now = page(state="ordering", settles="free")
    answer = await ask(paying, "GET", ADDRESS, params={"look": look})
    assert answer.headers["refresh"] == f"{REFRESH_SECONDS[0]}; url={ADDRESS}?done=1&look=1"
    assert "Go back" not in answer.text
    assert "The shop is taking your order." in words(answer)
    assert "Your payment" not in words(answer)


async def test_paying_leads_to_the_provider() -> None:
    paying = FakePaying()
    answer = await paid(paying)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://pay.example/session")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert paying.asked == [("pay", TOKEN, 34205, None)]


async def test_a_total_that_changed_is_shown_before_anybody_pays_it() -> None:
    paying = FakePaying()
    paying.answer = OPEN_PAGE
    answer = await paid(paying, "shown=33205")
    assert answer.status_code == 409
    assert "The total has changed. It was A$332.05 and is now A$342.05." in words(answer)
    assert 'name="shown" value="34205"' in answer.text


@pytest.mark.parametrize("state", ["ordering", "ordered", "expired", "open"])
async def test_what_needs_no_provider_goes_on_at_an_address_that_may_be_reloaded(state: str) -> None:
    paying = FakePaying()
    paying.answer = STATES[state]
    answer = await paid(paying)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ADDRESS}?done=1")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "https://pickle.example"},
        {"origin": "https://evil.example"},
        {"origin": "http://[broken"},
    ],
)
async def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    paying = FakePaying()
    answer = await paid(paying, headers=FORM_OF_NOBODY | headers)
    assert answer.status_code == 403
    assert "Nothing was charged." in words(answer)
    assert f'href="{ADDRESS}"' in answer.text
    assert paying.asked == []


FORM_OF_NOBODY = {"content-type": FORM["content-type"]}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
        {"origin": "https://pickle.example"},
        {"origin": "null"},
        {},
    ],
)
async def test_our_own_form_is_taken_however_little_the_browser_tells(headers: dict[str, str]) -> None:
    """Under `no-referrer` browsers send `Origin: null` with the page's own form."""
    assert (await paid(FakePaying(), headers=FORM_OF_NOBODY | headers)).status_code == 303


@pytest.mark.parametrize(
    "form", ["", "shown=", "shown=-1", "shown=1.5", "shown=%C2%B2", "shown=" + "9" * 19, "shown=é", "a=1&" * 30]
)
async def test_a_form_that_is_not_ours_is_told_so_and_does_nothing(form: str) -> None:
    paying = FakePaying()
    answer = await paid(paying, form)
    assert answer.status_code == 400
    assert "That did not work" in words(answer)
    assert paying.asked == []


async def test_a_form_without_end_is_not_read() -> None:
    assert (await paid(FakePaying(), "x" * (MAX_BODY_BYTES + 1))).status_code == 413


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("token", ["nobody", "x" * 129, "%F0%9F%A5%92", "<b>"])
async def test_an_unknown_token_is_a_page_that_says_so(method: str, token: str) -> None:
    paying = FakePaying()
    answer = await ask(paying, method, f"/pay/{token}", headers=FORM, content="shown=1" if method == "POST" else None)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    if method != "HEAD":
        assert "There is no order here" in words(answer)
        assert "<a class=" not in answer.text.split("<main", 1)[1]
    assert len(token) < 129 or paying.asked == []


@pytest.mark.parametrize("fault", [ProviderDown("the provider is down"), ShopDown("pickle")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_when_the_provider_or_the_shop_is_down_the_page_says_what_to_do(fault: Exception, method: str) -> None:
    paying = FakePaying()
    paying.fault = fault
    answer = await ask(paying, method, headers=FORM, content="shown=34205" if method == "POST" else None)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "trying again never pays twice" in words(answer)
    assert f'<a class="button" href="{ADDRESS}">Try again</a>' in answer.text


async def test_a_fault_of_ours_is_told_without_a_word_about_it(caplog: pytest.LogCaptureFixture) -> None:
    paying = FakePaying()
    paying.fault = RuntimeError("the inner workings")
    answer = await ask(paying, "GET")
    assert answer.status_code == 500
    assert "inner workings" not in answer.text
    assert "inner workings" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_token_is_never_logged_even_when_a_route_breaks(caplog: pytest.LogCaptureFixture) -> None:
    @get("/pay/{token:str}/broken", include_in_schema=False)
    async def breaks(token: FromPath[str]) -> None:
        raise RuntimeError

    with caplog.at_level(logging.DEBUG):
        answer = await ask(FakePaying(), "GET", f"{ADDRESS}/broken", more=[breaks])
    assert answer.status_code == 500
    assert "GET /pay/… failed" in caplog.text
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert TOKEN not in " ".join(ours)


@pytest.mark.parametrize("path", [ADDRESS, "/pay/nobody"])
async def test_the_address_is_a_secret_that_nothing_carries_away(path: str) -> None:
    answer = await ask(FakePaying(), "GET", path)
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers.get_list("referrer-policy") == ["no-referrer"]
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["x-frame-options"] == "DENY"
    assert headers["strict-transport-security"]
    assert "access-control-allow-origin" not in headers
    assert "set-cookie" not in headers
    rules = policy(answer)
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["img-src"] == ["'self'", "https://pickle.example"]
    assert "script-src" not in rules


async def test_the_policy_names_the_one_style_there_is_and_where_the_form_leads() -> None:
    answer = await ask(FakePaying(), "GET", store=replace(STORE, icon="https://cdn.example/a/icon.png"))
    rules = policy(answer)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    assert rules["style-src"] == [f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"]
    assert rules["form-action"] == ["'self'", "https://pickle.example", "https://pay.example"]
    assert rules["img-src"] == ["'self'", "https://cdn.example"]
    assert '<link rel="icon" href="https://cdn.example/a/icon.png">' in answer.text


async def test_words_of_the_shop_stay_words() -> None:
    paying = FakePaying()
    line = replace(OPEN_PAGE.lines[0], name="<script>alert(1)</script>", options={"<i>": "<b>"})
    paying.now = page(lines=(line,), ships_to="<u>", reason="<s>")
    answer = await ask(paying, "GET")
    for raw in ("<script", "<i>", "<b>", "<u>", "<s>"):
        assert raw not in answer.text


async def test_a_shop_without_root_documents_or_links_has_a_plain_page() -> None:
    answer = await ask(FakePaying(), "GET", store=replace(STORE, root_documents=False))
    assert "<nav" not in answer.text
    assert "<img" not in answer.text
    linked = replace(STORE, website="https://www.pickle.example", privacy_policy="https://x.example/p", pages=())
    whole = await ask(FakePaying(), "GET", store=linked)
    assert '<a href="https://www.pickle.example">Shop</a>' in whole.text
    assert '<a href="https://x.example/p">Privacy policy</a>' in whole.text


async def test_a_store_that_takes_no_payments_has_no_page() -> None:
    app = buyer_app(FakePaying(), STORE)
    served_store = ServedStore(stores=(elsewhere(),))
    app._sites = {"other.example": served_store.site}  # type: ignore[attr-defined]
    app._headers = {id(served_store.site): []}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://other.example") as client:
        answer = await client.get(ADDRESS)
    assert answer.status_code == 404
    assert TOKEN not in answer.text
    assert (await ask(FakePaying(), "PUT")).status_code == 405
