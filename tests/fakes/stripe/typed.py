"""Read a tree of strings as one of the typed parameters of the `stripe` library, which says no to all it does not type.

The library types its parameters for the API version it speaks, so a request that passes here is one that this version
knows: names, nesting, and the lists of words that a parameter takes.
"""

import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe import RequestOptions, StripeContext
from typing_extensions import get_type_hints, is_typeddict

from tests.fakes.stripe.refusals import Refused

OPTIONS = frozenset(RequestOptions.__annotations__)
"""What the library takes beside parameters and sends as headers."""
OF_OPTIONS = {"Mapping": Mapping, "StripeContext": StripeContext}
"""Names in the types of those, which the modules of the parameters do not import."""
INTEGER = re.compile(r"-?\d{1,18}")


@cache
def hints(kind: Any) -> dict[str, Any]:
    """Name → type of one TypedDict."""
    found = get_type_hints(kind, localns=OF_OPTIONS, include_extras=True)
    return {name: hint for name, hint in found.items() if name not in OPTIONS}


def typed(tree: Any, kind: Any, where: str = "") -> Any:
    """The tree with its leaves as integers and booleans where `kind` has them. Raises Refused."""
    outer, inner = get_origin(kind), get_args(kind)
    if outer in {NotRequired, Required}:
        value = typed(tree, inner[0], where)
    elif is_typeddict(kind):
        value = _dictionary(tree, kind, where)
    elif outer in {Union, types.UnionType}:
        value = _either(tree, inner, where)
    elif outer is list and isinstance(tree, list):
        value = [typed(branch, inner[0], f"{where}[{number}]") for number, branch in enumerate(tree)]
    elif outer is dict and isinstance(tree, dict):
        value = {name: typed(branch, inner[1], f"{where}[{name}]") for name, branch in tree.items()}
    else:
        value = _leaf(tree, kind, where)
    return value


def _dictionary(tree: Any, kind: Any, where: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise Refused(f"Invalid object: {where}", param=where)
    known, named = hints(kind), (lambda name: f"{where}[{name}]" if where else name)
    for name in tree:
        if name not in known:
            raise Refused(f"Received unknown parameter: {named(name)}", code="parameter_unknown", param=named(name))
    for name, hint in known.items():
        if name not in tree and get_origin(hint) is not NotRequired:
            raise Refused(f"Missing required param: {named(name)}.", code="parameter_missing", param=named(name))
    return {name: typed(value, known[name], named(name)) for name, value in tree.items()}


def _either(tree: Any, kinds: tuple[Any, ...], where: str) -> Any:
    """The first that fits. Words followed by `str` are a list that may grow: we only use those that are on it."""
    words = [kind for kind in kinds if get_origin(kind) is Literal and get_args(kind) != ("",)]
    refusal: Refused | None = None
    for kind in kinds:
        if words and kind is str:
            continue
        try:
            return typed(tree, kind, where)
        except Refused as error:
            refusal = error
    raise refusal or AssertionError(kinds)


def _leaf(tree: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) is Literal and tree in get_args(kind):
        return tree
    if kind is str and isinstance(tree, str):
        if not tree:
            raise Refused(f"You passed an empty string for '{where}'.", code="parameter_invalid_empty", param=where)
        return tree
    if kind is int and isinstance(tree, str) and INTEGER.fullmatch(tree):
        return int(tree)
    if kind is bool and tree in {"true", "false"}:
        return tree == "true"
    code = "parameter_invalid_integer" if kind is int else None
    raise Refused(f"Invalid {getattr(kind, '__name__', kind)}: {where}", code=code, param=where)
