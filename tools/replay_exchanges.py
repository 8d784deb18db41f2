"""Replay recorded exchanges of a real Maho store: `python -m tools.replay_exchanges FOLDER…`.

A recording is a JSON file with `case`, `request` (`method`, `path`, `headers`, `body`), `status` and `body`, or with
several of them as `steps`. The adapter has to be able to read each recorded answer to a call that it makes, and the
demo shop has to give one like it: of the same status, in which everything that the adapter reads is of a kind (see
`answer_kinds.kind`) that the recorded one has; of a refusal that is its message, too. Each answer is one line:

- alike: nothing differs;
- unread: something differs that the adapter does not read;
- read: what differs, by field (or why the adapter cannot read it);
- not asked: not answered by the demo shop, because the adapter never sends that;
- not answered: not answered by the demo shop, for no known reason;
- other call: a call that the adapter does not make.

Exit code 1 when there is a line of `read` or `not answered`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from storefront_mcp.backends.maho import shapes
from storefront_mcp.backends.maho.prices import PriceMapper, TaxDisplay
from tools.answer_kinds import Kinds, all_kinds, kinds
from tools.stand_in_answers import LD_JSON, PREFIX, READ, Answers, Call, ask_everything, template

NEVER_SENT: Final = {
    "auth-token-password-grant": "the grant is customer or client_credentials",
    "cart-create-without-content-type": "every body is sent as JSON",
    "customer-place-order-in-progress": "an order is placed by one call at a time",
    "idempotency-key-malformed": "keys are ids of checkouts",
    "op-order-cancel-invoiced": "only orders are cancelled of which nothing was invoiced",
    "customer-cart-by-masked-id-anonymous": "guests have no customer's cart",
    "error-invalid-json": "what is sent is JSON",
    "place-order-concurrent": "a cart is ordered by one call at a time",
    "op-orders-filter-bad-date": "orders are never filtered by date",
}
"""Cases of calls that the adapter makes otherwise, and why it does not matter what is answered to them."""
FAILED: Final = ("read", "not answered")


class RecordedAnswer(Struct, frozen=True, kw_only=True):
    """What a real store answered to one request."""

    case: str
    call: Call
    status: int
    body: Any
    whole: bool
    """Whether the body was recorded with all its fields."""
    ours: bool
    """Whether the adapter asks like this: for JSON-LD, unconditionally, as a guest where carts are asked, in turn."""


def recorded(folder: Path) -> Iterator[RecordedAnswer]:
    """The answers in a folder, by the names of its files."""
    for file in sorted(folder.glob("*.json")):
        found = json.loads(file.read_text("utf-8"))
        for step in found.get("steps", [found]):
            request = step["request"]
            path = urlsplit(request["path"]).path.removeprefix(PREFIX)
            yield RecordedAnswer(
                case=found["case"],
                call=(request["method"], template(path)),
                status=step.get("status", 0),
                body=step.get("body"),
                whole="steps" not in found,
                ours=_is_ours(request),
            )


def _is_ours(request: dict[str, Any]) -> bool:
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    theirs = "authorization" in headers and "/guest-carts" in request["path"]
    return headers.get("accept", LD_JSON) != "application/json" and "if-none-match" not in headers and not theirs


def verdict(answer: RecordedAnswer, stand_in: Answers) -> tuple[str, str]:
    """One of the words above, and what there is to say."""
    shape = READ.get(" ".join(answer.call))
    if shape is None or not answer.ours:
        return "other call", ""
    if answer.status >= HTTPStatus.BAD_REQUEST:
        shape = shapes.ErrorBody
    seen = stand_in.get((answer.call, answer.status))
    if answer.case in NEVER_SENT:
        return "not asked", NEVER_SENT[answer.case]
    return ("not answered", "") if seen is None else compared(answer, shape, *seen)


def compared(answer: RecordedAnswer, shape: Any, read: Kinds, every: Kinds) -> tuple[str, str]:
    """How an answer differs from the demo shop's, in what the adapter reads or in something else."""
    if answer.body is None:
        return "alike", ""
    if answer.whole and (problem := unreadable(answer.body, shape)):
        return "read", problem
    missing = kinds(answer.body, shape) - read
    if missing := missing if answer.whole else {one for one in missing if one[1] != "nothing"}:
        return "read", _named(missing)
    missing = all_kinds(answer.body) - every
    return ("unread", _named(missing)) if missing else ("alike", "")


def _named(missing: Kinds) -> str:
    return ", ".join(sorted(f"{path or 'the whole'} is {kind}" for path, kind in missing))


def unreadable(body: object, shape: Any) -> str:
    """Why the adapter cannot make anything of a body; "" when it can."""
    try:
        found = msgspec.json.decode(msgspec.json.encode(body), type=shape)
    except msgspec.ValidationError as error:
        return f"it cannot be read: {error}"
    if not isinstance(found, shapes.GuestCart) or not isinstance(found.prices, shapes.CartPrices):
        return ""
    mappers = [
        PriceMapper(currency=found.currency or "USD", tax=TaxDisplay(configured=included)) for included in (True, False)
    ]
    named = any(mapper.totals(found.prices).other is None for mapper in mappers)
    return "" if named else "the totals do not add up to the grand total"


def main() -> int:
    """Compare folders and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    stand_in, counts = ask_everything(), Counter[str]()
    for folder in parser.parse_args().folder:
        for answer in recorded(folder):
            word, said = verdict(answer, stand_in)
            counts[word] += 1
            print(f"{word:<13} {answer.case:<44} {' '.join(answer.call)} {answer.status}  {said}".rstrip())
    print("\n" + ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    return 1 if any(counts[word] for word in FAILED) or not counts["alike"] else 0


if __name__ == "__main__":
    sys.exit(main())
