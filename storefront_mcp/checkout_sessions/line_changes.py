"""Full replacement of a cart's contents by the store's own tools: the difference, one change at a time.

After each change the next one is worked out anew from the cart as the shop tells it, so lost answers, renamed lines and
changes of others mend themselves, and nothing that adds is ever sent twice for one answer that was lost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Literal
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.calls.errors import ArgumentsRefused, CallError, CallFailed
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions.problems import (
    CART_ERRORS,
    CART_PARTLY_CHANGED,
    CODES_NOT_COMBINED,
    TEMPORARY_ERRORS,
    code_problem,
    problem_of,
)
from storefront_mcp.checkout_sessions.record import SessionProblem
from storefront_mcp.checkout_sessions.state import WantedLine
from storefront_mcp.checkout_sessions.unconfigured_items import unconfigured_problem
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.errors import (
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    ShopError,
    ShopOutcomeUnknown,
)

MAX_TRIES: Final = 2
"""Of one change that may be repeated."""
MAX_CODE_TRIES: Final = 3
"""Codes of one request that are tried: tries are limited for all shoppers together."""

_LOCKS: Final[WeakValueDictionary[tuple[str, str], asyncio.Lock]] = WeakValueDictionary()


@asynccontextmanager
async def lock_contents(store: str, cart_id: str) -> AsyncIterator[None]:
    """Keep other replacements of a cart's contents in this process waiting until the block ends."""
    async with _LOCKS.setdefault((store, cart_id), asyncio.Lock()):
        yield


async def replace_cart_lines(
    runner: ToolRunner, cart_id: str, lines: Sequence[WantedLine] | None, codes: Sequence[str] | None
) -> tuple[Cart, tuple[SessionProblem, ...]]:
    """Make a cart hold these lines and this code, None leaves them; the cart as it is then, and what did not work.

    Raises CallError and ShopError when nothing was changed.
    """
    async with lock_contents(runner.shop.store.id, cart_id):
        cart = await runner.run("view_cart", cart_id=cart_id)
        replacement = ContentsReplacement(runner, cart)
        return await replacement.apply(lines, codes)


class WantedPiece(Struct):
    """A wanted line while its cart is being changed."""

    line: WantedLine
    places: tuple[int, ...]
    """Where in the request it was wanted: a product that is wanted twice becomes one line."""
    quantity: int
    line_id: str
    """The line of the cart that is known to be it; empty while there is none."""
    adopted: bool = False
    """Whether the line was made here, whatever its SKU is called there."""
    given_up: bool = False
    tries: int = 0

    def means(self, line: CartLine) -> bool:
        """Whether this line of the cart, which has its id, still is what is wanted."""
        return self.adopted or not self.line.sku or line.sku.casefold() == self.line.sku.casefold()


class LineChange(Struct, frozen=True):
    """One call of a tool."""

    kind: Literal["remove", "update", "add"]
    line_id: str = ""
    quantity: int = 0
    piece: WantedPiece | None = None


class ContentsReplacement:
    """One replacement of a cart's contents; `cart` is the cart as the shop told it last."""

    def __init__(self, runner: ToolRunner, cart: Cart) -> None:
        self._runner = runner
        self._id = cart.cart_id
        self.cart = cart
        self.changed = False
        """Whether anything was changed, or may have been."""
        self.asked = False
        """Whether any change was asked for."""
        self.problems: list[SessionProblem] = []
        self._wanted: list[WantedPiece] = []
        self._removals: Counter[str] = Counter()
        """Tries to remove a line."""

    async def apply(
        self, lines: Sequence[WantedLine] | None, codes: Sequence[str] | None
    ) -> tuple[Cart, tuple[SessionProblem, ...]]:
        """See `replace_cart_lines`."""
        if (lines is None or await self._replace_lines(pieces_of(lines))) and codes is not None:
            await self._replace_codes(codes)
        return self.cart, tuple(self.problems)

    async def _replace_lines(self, wanted: list[WantedPiece]) -> bool:
        """Whether the codes may follow: False once the shop, or this server, takes no more changes."""
        self._wanted = wanted
        for _ in range(MAX_TRIES * (2 * len(wanted) + len(self.cart.lines)) + 2):
            change = next(self._differences(), None)
            if change is None:
                break
            if not await self._change(change):
                return False
        else:
            self.problems.append(_partly("The cart keeps being changed by somebody else."))
        self._name_lines()
        return True

    async def _change(self, change: LineChange) -> bool:
        """Make one change; whether to go on."""
        self.asked = True
        piece = change.piece
        field = "lines" if piece is None else f"lines[{piece.places[0]}]"
        try:
            before = _quantities(self.cart)
            self.cart = await self._call(change)
        except (ShopOutcomeUnknown, CallFailed) as lost:
            return await self._look_again(change, lost, field)
        except TEMPORARY_ERRORS as error:
            return self._stop(error)
        except CART_ERRORS as error:
            return self._stop(error)
        except LineNotFound:
            # Somebody else was quicker.
            self._give_up(change)
            return await self._look()
        except NotEnoughStock as error:
            self._take_what_is_there(change, error, field)
        except (ShopError, ArgumentsRefused) as refused:
            self._give_up(change, for_good=True)
            if isinstance(refused, OptionsNeeded) and piece is not None:
                wanted = replace(piece.line, quantity=piece.quantity)
                self.problems.append(await unconfigured_problem(self._runner, wanted, refused, field))
            else:
                self.problems.append(problem_of(refused, field))
        else:
            self.changed = True
            self._check(change, before, field)
        return True

    async def _call(self, change: LineChange) -> Any:  # noqa: ANN401 -- a Cart, as the tools return
        run = self._runner.run
        match change.kind:
            case "remove":
                return await run("remove_from_cart", cart_id=self._id, line_id=change.line_id)
            case "update":
                return await run("update_cart_item", cart_id=self._id, line_id=change.line_id, quantity=change.quantity)
            case "add":
                line = change.piece.line if change.piece else WantedLine(sku="", quantity=0)
                more = {"options": dict(line.options)} if line.options else {}
                return await run("add_to_cart", cart_id=self._id, sku=line.sku, quantity=change.quantity, **more)

    async def _look_again(self, change: LineChange, lost: CodedError, field: str) -> bool:
        """After a lost answer: what the cart is now tells whether it was done. What adds is not sent again."""
        self.changed = True
        self._give_up(change)
        if not await self._look():
            self.problems.append(problem_of(lost, field))
            return False
        if change.kind == "add" and change.piece is not None and not self._is_there(change.piece):
            change.piece.given_up = True
            self.problems.append(problem_of(lost, field))
        return True

    async def _look(self) -> bool:
        """Ask for the cart; whether it could be told."""
        try:
            self.cart = await self._runner.run("view_cart", cart_id=self._id)
        except (*TEMPORARY_ERRORS, *CART_ERRORS, CallFailed) as error:
            return self._stop(error)
        return True

    def _stop(self, error: CodedError) -> bool:
        """No more changes. Raises the error where none was made."""
        if not self.changed:
            raise error
        self.problems += [
            problem_of(error, "lines"),
            _partly("The rest of the changes was not made. Send the request again."),
        ]
        return False

    def _give_up(self, change: LineChange, *, for_good: bool = False) -> None:
        """Count a try; no further one after MAX_TRIES, or where it is refused."""
        tries = MAX_TRIES if for_good else 1
        if change.piece is None:
            self._removals[change.line_id] += tries
            return
        change.piece.tries += tries
        change.piece.given_up = change.piece.tries >= MAX_TRIES

    def _take_what_is_there(self, change: LineChange, error: NotEnoughStock, field: str) -> None:
        """Want as many as there are, once; without a number the line stays as it is."""
        piece, there = change.piece, error.available
        if piece is None or not there or there >= piece.quantity:
            self._give_up(change, for_good=True)
            self.problems.append(problem_of(error, field))
            return
        piece.quantity = there
        self._give_up(change)
        self.problems.append(problem_of(error, field, "warning"))

    def _differences(self) -> Iterator[LineChange]:
        """What is to be changed: lines that go, then fewer pieces, more, and new lines, as they may share a stock."""
        wanted = self._wanted
        matched = _match(wanted, self.cart.lines)
        known = {line.line_id for line in matched.values()}
        for line in self.cart.lines:
            if line.line_id not in known and self._removals[line.line_id] < MAX_TRIES:
                yield LineChange("remove", line.line_id)
        updates = [
            LineChange("update", line.line_id, wanted[place].quantity, wanted[place])
            for place, line in matched.items()
            if line.quantity != wanted[place].quantity and not wanted[place].given_up
        ]
        have = _quantities(self.cart)
        yield from sorted(updates, key=lambda change: change.quantity - have[change.line_id])
        for place, piece in enumerate(wanted):
            if place not in matched and not piece.given_up:
                yield LineChange("add", quantity=piece.quantity, piece=piece)

    def _check(self, change: LineChange, before: Mapping[str, int], field: str) -> None:
        """Whether the shop did what it was asked for: a change that has no effect is not made for ever."""
        piece = change.piece
        now = _quantities(self.cart)
        if piece is None or change.kind == "update":
            done = change.line_id not in now if piece is None else now.get(change.line_id) == change.quantity
            if not done:
                self._give_up(change)
            return
        grown = [id_ for id_, quantity in now.items() if quantity != before.get(id_, 0)]
        if len(grown) == 1:
            # Its SKU may be called otherwise there.
            piece.line_id, piece.adopted = grown[0], True
        if not self._is_there(piece):
            piece.given_up = True
            self.problems.append(_partly("The shop did not put this item into the cart.", field))

    def _is_there(self, piece: WantedPiece) -> bool:
        return any(self._wanted[place] is piece for place in _match(self._wanted, self.cart.lines))

    def _name_lines(self) -> None:
        """Add to each problem of a wanted line the line of the cart that it is about; tell what is not as wanted."""
        matched = _match(self._wanted, self.cart.lines)
        told = {one.field for one in self.problems}
        for place, line in matched.items():
            field = f"lines[{self._wanted[place].places[0]}]"
            if line.quantity != self._wanted[place].quantity and field not in told:
                self.problems.append(_partly(f"The cart has {line.quantity} of this item.", field))
        ids: dict[str, str] = {
            f"lines[{self._wanted[place].places[0]}]": line.line_id for place, line in matched.items()
        }
        self.problems = [replace(one, line_id=ids.get(one.field, one.line_id)) for one in self.problems]

    async def _replace_codes(self, codes: Sequence[str]) -> None:
        """One code of the list, which is the one that is applied already, or the first that the shop takes."""
        known = [code.strip().casefold() for code in codes]
        applied = (self.cart.coupon or "").casefold()
        if applied and applied not in known:
            self.asked = True
            try:
                self.cart = await self._runner.run("remove_coupon", cart_id=self._id)
            except (ShopError, CallError) as error:
                self.problems.append(problem_of(error, "codes"))
                return
            applied = ""
        for place, code in enumerate(codes[:MAX_CODE_TRIES] if not applied else ()):
            if known[place] and await self._apply_code(place, code):
                applied = known[place]
                break
        told = {one.field for one in self.problems}
        self.problems += [
            SessionProblem(
                code=CODES_NOT_COMBINED,
                field=f"codes[{place}]",
                text=f"{codes[place]} is not used: a cart takes one code.",
                kind="warning",
            )
            for place, code in enumerate(known)
            if applied and code != applied and f"codes[{place}]" not in told
        ]

    async def _apply_code(self, place: int, code: str) -> bool:
        """Whether the shop took it."""
        self.asked = True
        try:
            self.cart = await self._runner.run("apply_coupon", cart_id=self._id, code=code)
        except (ShopError, CallError) as error:
            self.problems.append(code_problem(error, f"codes[{place}]"))
            if not isinstance(error, ShopOutcomeUnknown) and getattr(error, "dropped", None) is None:
                return False
            with suppress(ShopError, CallError):
                self.cart = await self._runner.run("view_cart", cart_id=self._id)
            return (self.cart.coupon or "").casefold() == code.strip().casefold()
        return True


def pieces_of(lines: Sequence[WantedLine]) -> list[WantedPiece]:
    """The wanted lines, those of the same product and options as one; lines of none of it are left out.

    Of a line id that is sent with several products, each product is a line of its own.
    """
    pieces: dict[object, WantedPiece] = {}
    for place, line in enumerate(lines):
        if line.quantity <= 0:
            continue
        options = tuple(sorted((name, str(of)) for name, of in line.options.items()))
        key = (line.sku.casefold(), line.line_id or options)
        if (known := pieces.get(key)) is not None:
            known.quantity += line.quantity
            known.places += (place,)
        else:
            pieces[key] = WantedPiece(line, (place,), line.quantity, line.line_id or "")
    return list(pieces.values())


def _match(wanted: Sequence[WantedPiece], lines: Sequence[CartLine]) -> dict[int, CartLine]:
    """The cart's lines by the places of the pieces that they are: by line id, then by SKU and options."""
    free = {str(line.line_id): line for line in lines}
    matched: dict[int, CartLine] = {}
    for place, piece in enumerate(wanted):
        line = free.get(piece.line_id)
        if line is not None and piece.means(line):
            matched[place] = free.pop(piece.line_id)
    for place, piece in enumerate(wanted):
        if place not in matched:
            found = [line for line in free.values() if _fits(piece.line, line)]
            # Without options the plain line is meant, before one that has some.
            best = min(found, key=lambda line: len(line.options), default=None)
            if best is not None:
                matched[place] = free.pop(str(best.line_id))
    return matched


def _quantities(cart: Cart) -> dict[str, int]:
    return {str(line.line_id): line.quantity for line in cart.lines}


def _fits(wanted: WantedLine, line: CartLine) -> bool:
    if line.sku.casefold() != wanted.sku.casefold():
        return False
    values = {str(value).casefold() for value in wanted.options.values()}
    return not values or values == {value.casefold() for value in line.options.values()}


def _partly(text: str, field: str = "lines") -> SessionProblem:
    return SessionProblem(code=CART_PARTLY_CHANGED, field=field, text=text)
