"""`/cart/{token}`: the page of a filled cart, where a person tells what an order needs and goes on to pay."""

from collections.abc import Awaitable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post, route
from litestar.params import FromPath
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST
from storefront_mcp.calls.errors import RateLimited, ToolNotOpen
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions import (
    CheckoutSessions,
    SessionAddress,
    SessionBuyer,
    SessionProblem,
    SessionRequest,
    WantedLine,
)
from storefront_mcp.checkout_sessions.cart_links import CART_PATH, CartLinks
from storefront_mcp.checkout_sessions.problems import MISSING_DETAILS
from storefront_mcp.checkout_sessions.state import SessionState
from storefront_mcp.checkout_sessions.unconfigured_items import items_of_query
from storefront_mcp.checkout_sessions.views import OVER_STATUSES
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import (
    ASK_BUYER,
    CartBeingOrdered,
    CartGone,
    CartNotFound,
    CartOrdered,
    CheckoutNotFound,
)
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.web.buyer_pages import BuyerPages, PageUnavailable, call_or_unavailable, read_fields
from storefront_mcp.web.cart_options import ItemForm, item_forms, missing_of, sent_item
from storefront_mcp.web.forms import FormFields
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.responses import see_other

T = TypeVar("T")
MAX_FIELD_CHARS: Final = 300
"""Of a field of the form; more is cut off, and refused where it matters."""
PAGE_LABEL: Final = "page"
"""What metrics call the protocol of a person with a browser."""
BUYER_FIELDS: Final = {"email": "buyer.email", "phone": "buyer.phone"}
ADDRESS_FIELDS: Final = {
    name: f"destination.{name}"
    for name in ("first_name", "last_name", "street", "postcode", "city", "region", "country")
}
"""Fields of the form, and what problems call them."""
COUNTRY_CODE_CHARS: Final = 2

CartPageState = Literal["open", "empty", "stopped", "ordering", "ordered"]


class CartPageConfig(Struct, frozen=True, kw_only=True):
    """Cart pages of one store."""

    sessions: CheckoutSessions
    links: CartLinks
    limiter: RequestRateLimiter | None = None


class CartPageView(Struct, frozen=True, kw_only=True):
    """What the page shows."""

    state: CartPageState
    cart: Cart | None = None
    values: Mapping[str, str] = {}
    """Of the form's fields."""
    methods: tuple[ShippingMethod, ...] = ()
    option: str | None = None
    field_problems: Mapping[str, SessionProblem] = {}
    """By the form's fields."""
    problems: tuple[SessionProblem, ...] = ()
    """That belong to none of them."""
    items: tuple[ItemForm, ...] = ()
    """That are wanted, and not in the cart yet."""
    without: bool = False
    """Whether the buyer goes on without them."""
    unconfirmed: bool = False
    """Whether they tried to go on, and did not say so."""
    order_number: str | None = None


def cart_routes(configs: Mapping[StoreId, CartPageConfig], pages: BuyerPages) -> list[HTTPRouteHandler]:
    """The routes of the page, for the stores that have such pages."""

    def render_cart(request: Request[Any, Any, Any], view: CartPageView) -> Response[bytes]:
        from storefront_mcp.web import formatting  # noqa: PLC0415 -- large, and a server may never show a page

        store = site_of(request).store
        countries = formatting.country_names(store.locale)
        return pages.page("cart.html.j2", store, view=view, countries=countries)

    @route(
        f"{CART_PATH}{{token:str}}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        exception_handlers={PageUnavailable: pages.error_page},
        include_in_schema=False,
    )
    async def show_cart(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """The cart; one that only has to be paid leads on to its payment page."""
        config, cart = _cart_of(request, configs, token)
        view = await _answer_page(_look(config, _runner(request, config), cart, _items_of_address(request)))
        return see_other(view) if isinstance(view, str) else render_cart(request, view)

    @post(
        f"{CART_PATH}{{token:str}}",
        exception_handlers={PageUnavailable: pages.error_page},
        include_in_schema=False,
    )
    async def send_cart(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """Take what the form tells, and go on to the payment page once that is all."""
        config, cart = _cart_of(request, configs, token)
        fields = await read_fields(request)
        view = await _answer_page(_fill_in(config, _runner(request, config), cart, fields, _items_of_address(request)))
        return see_other(view) if isinstance(view, str) else render_cart(request, view)

    return [show_cart, send_cart]


async def _look(
    config: CartPageConfig, runner: ToolRunner, cart: CartId, asked: Sequence[WantedLine]
) -> CartPageView | str:
    """The page of a cart, or where to go instead; `asked` are the items that its address names."""
    view = await _with_items(runner, await _find_page(config, runner, cart), asked)
    asks = isinstance(view, CartPageView) and view.state == "open"
    return CartPageView(state="stopped") if asks and not _leads_to_an_order(runner) else view


async def _find_page(config: CartPageConfig, runner: ToolRunner, cart: CartId) -> CartPageView | str:
    """The same, whether an order can be made now or not."""
    try:
        state = await config.sessions.read(runner, cart)
    except CheckoutNotFound:
        state = None
    if state is None or state.status in {"canceled", "expired"}:
        return _open_page(await config.sessions.cart_contents(runner, cart), locale=runner.shop.store.locale)
    return _page_of(state, asked=False)


async def _fill_in(
    config: CartPageConfig, runner: ToolRunner, cart: CartId, fields: FormFields, asked: Sequence[WantedLine]
) -> CartPageView | str:
    """The same after a form was sent; while no order can be made, nothing of it is kept."""
    if not _leads_to_an_order(runner):
        return await _look(config, runner, cart, asked)
    without = bool(fields.one("without"))
    if not without:
        state = await _keep_items(config, runner, cart, asked)
        if fields.one("sku"):
            return await _configure(config, runner, state, fields)
    told = {name: fields.one(name)[:MAX_FIELD_CHARS] for name in (*BUYER_FIELDS, *ADDRESS_FIELDS, "option")}
    buyer = SessionBuyer(
        email=told["email"], first_name=told["first_name"], last_name=told["last_name"], phone=told["phone"]
    )
    destination = SessionAddress(**{name: told[name] for name in ADDRESS_FIELDS}, phone=told["phone"])
    request = SessionRequest(cart_id=cart, buyer=buyer, destination=destination, option=told["option"] or None)
    state = await config.sessions.create(runner, request, protocol=PAGE_LABEL)
    lacking = any(one.item is not None for one in state.problems)
    refused = any(one.field.startswith("lines") for one in state.problems)
    if state.cart.lines and refused and (without or not lacking):
        # What could not be had was said above the form; who sends it wants what is there.
        state = await config.sessions.update(runner, state.id, SessionRequest(lines=_held_lines(state.cart)))
    view = await _with_items(runner, _page_of(state, asked=True), asked)
    return view if isinstance(view, str) else replace(view, without=without, unconfirmed=lacking and not without)


async def _keep_items(
    config: CartPageConfig, runner: ToolRunner, cart: CartId, asked: Sequence[WantedLine]
) -> SessionState:
    """The session, which from now on knows of the items that the page's address names: no order is made meanwhile."""
    state = await config.sessions.create(runner, SessionRequest(cart_id=cart), protocol=PAGE_LABEL)
    known = {one.item.sku.casefold() for one in state.problems if one.item is not None}
    missing = [line for line in missing_of(state.cart, asked) if line.sku.casefold() not in known]
    if not missing or state.status in {"in_progress", *OVER_STATUSES}:
        return state
    lines = (*_held_lines(state.cart), *_unconfigured_lines(state), *missing)
    return await config.sessions.update(runner, state.id, SessionRequest(lines=lines))


async def _configure(
    config: CartPageConfig, runner: ToolRunner, state: SessionState, fields: FormFields
) -> CartPageView | str:
    """Put an item into the cart with the options that were given; what else is wanted stays so."""
    item = sent_item(fields, await item_forms(runner, state.cart, state.problems, ()))
    if item is not None and state.status not in {"in_progress", *OVER_STATUSES}:
        others = (line for line in _unconfigured_lines(state) if line.sku != item.sku)
        lines = (*_held_lines(state.cart), item, *others)
        state = await config.sessions.update(runner, state.id, SessionRequest(lines=lines))
    return await _with_items(runner, _page_of(state, asked=False), (), item)


async def _with_items(
    runner: ToolRunner, view: CartPageView | str, asked: Sequence[WantedLine], sent: WantedLine | None = None
) -> CartPageView | str:
    """The page with the items that are wanted and not in the cart."""
    if isinstance(view, str) or view.cart is None:
        return view
    items = await item_forms(runner, view.cart, view.problems, asked, sent)
    problems = tuple(one for one in view.problems if one.item is None)
    return replace(view, state="open" if items else view.state, items=items, problems=problems)


def _held_lines(cart: Cart) -> tuple[WantedLine, ...]:
    return tuple(WantedLine(sku=line.sku, quantity=line.quantity, line_id=line.line_id) for line in cart.lines)


def _unconfigured_lines(state: SessionState) -> tuple[WantedLine, ...]:
    items = (one.item for one in state.problems)
    return tuple(WantedLine(sku=item.sku, quantity=item.quantity) for item in items if item is not None)


def _items_of_address(request: Request[Any, Any, Any]) -> Sequence[WantedLine]:
    """The items that the page's address names."""
    return items_of_query(request.scope["query_string"].decode("latin-1"))


def _leads_to_an_order(runner: ToolRunner) -> bool:
    return all(map(runner.is_open, CheckoutSessions.REQUIRED_TOOLS))


def _page_of(state: SessionState, *, asked: bool) -> CartPageView | str:
    """The page of a session; `asked`: the buyer has just sent the form, so what is missing is worth saying."""
    if state.status in {"in_progress", *OVER_STATUSES}:
        order = None if state.checkout is None else state.checkout.order
        done = state.status == "completed"
        return CartPageView(
            state="ordered" if done else "ordering", order_number=None if order is None else order.number
        )
    if state.checkout is not None and state.continue_url is not None:
        return state.continue_url
    buyer, to = state.buyer or SessionBuyer(), state.destination or SessionAddress()
    values = {name: getattr(to, name) for name in ADDRESS_FIELDS}
    # A text field has one line.
    values |= {"email": buyer.email, "phone": to.phone or buyer.phone, "street": ", ".join(to.street.splitlines())}
    if not to.first_name and not to.last_name:
        values |= {"first_name": buyer.first_name, "last_name": buyer.last_name}
    told = [_for_person(one) for one in state.problems if asked or one.code != MISSING_DETAILS]
    names = {field: name for name, field in (BUYER_FIELDS | ADDRESS_FIELDS).items()} | {
        "destination.phone": "phone",
        "option": "option",
    }
    return CartPageView(
        state="open" if state.cart.lines else "empty",
        cart=state.cart,
        values=values,
        methods=state.methods,
        option=state.option,
        field_problems={names[one.field]: one for one in told if one.field in names},
        problems=tuple(one for one in told if one.field not in names and (state.cart.lines or one.item)),
    )


def _for_person(problem: SessionProblem) -> SessionProblem:
    """The problem without what is for agents alone."""
    return replace(problem, text=problem.text.removesuffix(ASK_BUYER).rstrip())


def _open_page(cart: Cart, *, locale: str) -> CartPageView:
    """The page of a cart of which no more is known."""
    region = locale.rpartition("-")[2].upper()
    values = dict.fromkeys((*BUYER_FIELDS, *ADDRESS_FIELDS), "")
    values["country"] = region if len(region) == COUNTRY_CODE_CHARS else ""
    return CartPageView(state="open" if cart.lines else "empty", cart=cart, values=values)


async def _answer_page(look: Awaitable[CartPageView | str]) -> CartPageView | str:
    """Await a page. Raises PageUnavailable: 404 for a cart that is not there, 503 when shop or limits refuse."""

    async def told() -> CartPageView | str:
        try:
            return await look
        except (CartNotFound, CheckoutNotFound):
            raise PageUnavailable(HTTPStatus.NOT_FOUND) from None
        except RateLimited:
            raise PageUnavailable(HTTPStatus.SERVICE_UNAVAILABLE) from None
        except ToolNotOpen:
            return CartPageView(state="stopped")
        except CartBeingOrdered:
            return CartPageView(state="ordering")
        except CartOrdered:
            return CartPageView(state="ordered")
        except CartGone:
            return CartPageView(state="empty")

    return await call_or_unavailable(told())


def _cart_of(
    request: Request[Any, Any, Any], configs: Mapping[StoreId, CartPageConfig], token: str
) -> tuple[CartPageConfig, CartId]:
    store = site_of(request).store
    config = configs.get(store.id)
    if config is None:
        raise NotFoundException(detail=f"{store.name} has no pages of carts.")
    cart = config.links.cart(token)
    if cart is None:
        raise PageUnavailable(HTTPStatus.NOT_FOUND)
    return config, cart


def _runner(request: Request[Any, Any, Any], config: CartPageConfig) -> ToolRunner:
    """Runs tools for whoever has the page's address: as a guest, under the limits of their address."""
    site = site_of(request)
    headers = list(request.scope["headers"])
    limiter = config.limiter
    origin = RequestOrigin(headers=headers)
    if limiter is not None:
        origin = limiter.unsigned_origin(request.scope.get("client"), headers, dict(headers))
    return ToolRunner(
        roadmap=site.shown.roadmap,
        shop=site.shop,
        caller=GUEST,
        origin=replace(origin, source="ucp"),
        protocol=PAGE_LABEL,
        policy=site.shared.policy,
    )
