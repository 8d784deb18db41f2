"""One table says how each error is shown, and it knows every error there is."""

import pytest

from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    CallFailed,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.errors import ERROR_RENDERINGS, RESULT, rendering_of
from storefront_mcp.mcp.jsonrpc import ErrorCode


def descendants(root: type[Exception]) -> set[type[Exception]]:
    """All classes below one that the engine has, wherever they are written."""
    below = {child for child in root.__subclasses__() if child.__module__.startswith(("storefront_mcp", "phases"))}
    return below.union(*map(descendants, below))


def test_the_table_holds_every_error_of_both_trees_and_nothing_else() -> None:
    assert set(ERROR_RENDERINGS) == descendants(ShopError) | descendants(CallError)


@pytest.mark.proves("errors.business")
def test_whatever_a_model_can_do_better_is_a_result() -> None:
    as_errors = {error for error, form in ERROR_RENDERINGS.items() if form is not RESULT}
    assert as_errors == {UnknownTool, ScopeMissing, SignedOut, CallFailed}
    assert issubclass(ArgumentsRefused, CallError)
    assert issubclass(ToolNotOpen, CallError)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(UnknownTool("nope"), ErrorCode.INVALID_PARAMS, 400), (CallFailed(), ErrorCode.INTERNAL_ERROR, 200)],
)
def test_errors_have_the_code_and_the_status_of_the_specification(
    error: CallError, code: ErrorCode, status: int
) -> None:
    form = rendering_of(error)
    assert (form.form, form.code, form.status) == ("error", code, status)


@pytest.mark.proves("errors.codes")
def test_codes_are_those_of_json_rpc_and_of_the_specification() -> None:
    assert {code.name: int(code) for code in ErrorCode} == {
        "PARSE_ERROR": -32700,
        "INVALID_REQUEST": -32600,
        "METHOD_NOT_FOUND": -32601,
        "INVALID_PARAMS": -32602,
        "INTERNAL_ERROR": -32603,
        "HEADER_MISMATCH": -32020,
        "MISSING_REQUIRED_CLIENT_CAPABILITY": -32021,
        "UNSUPPORTED_PROTOCOL_VERSION": -32022,
        "RESOURCE_NOT_FOUND": -32002,
        "RATE_LIMITED": 429,
    }
