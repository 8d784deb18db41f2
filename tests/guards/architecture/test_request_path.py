"""How long the way of a call is: the script under tools/ counts it, and it does not grow unnoticed."""

import pytest

from tools.trace_call import TRACES, CallTrace, compact, main, run_trace

pytestmark = pytest.mark.slow

MOST_FUNCTIONS, MOST_MODULES = 126, 37
"""Of one `add_to_cart`: one or two more than it takes, for another Python or a connection that is opened meanwhile."""


@pytest.fixture(scope="module")
def add_to_cart() -> CallTrace:
    return run_trace("add_to_cart")


def test_a_call_of_add_to_cart_takes_no_more_functions_and_modules_than_it_did(add_to_cart: CallTrace) -> None:
    assert len(add_to_cart.functions) <= MOST_FUNCTIONS, compact(add_to_cart)
    assert len(add_to_cart.modules) <= MOST_MODULES, compact(add_to_cart)


def test_a_call_goes_down_from_web_to_the_backend(add_to_cart: CallTrace) -> None:
    layers = [module.split("/")[1] for module in add_to_cart.modules]
    first = [layers.index(layer) for layer in ("web", "mcp", "phases", "commerce", "backends")]
    assert first == sorted(first)


def test_no_function_of_the_demo_shop_is_counted(add_to_cart: CallTrace) -> None:
    assert not [module for module in add_to_cart.modules if "/demo" in module]


def test_every_trace_is_printed_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    main(["card"])
    printed = capsys.readouterr().out
    assert printed.startswith("## card: ")
    assert "web/discovery: " in printed
    assert list(TRACES) == ["add_to_cart", "card", "webhook"]


def test_an_unknown_trace_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["checkout"])
    assert "there is no trace checkout; there are add_to_cart, card, webhook" in capsys.readouterr().err


def test_a_paid_checkout_goes_from_the_webhook_to_the_captured_payment() -> None:
    trace = run_trace("webhook")
    names = [function.name for function in trace.functions]
    way = [
        "StripeProvider.event",
        "SqlCheckoutRepository.keep_event",
        "Reconciler.run_once",
        "MahoOrders.place",
        "StripeProvider.capture",
    ]
    assert [name for name in names if name in way] == way
