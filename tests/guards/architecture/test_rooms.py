"""Facts that have one room each: protocol dates, kinds of shops, providers; and nothing of the machine it is from."""

import re

import pytest

from storefront_mcp.settings.schema import SOFTWARE_KINDS
from tests.guards.architecture.tree import files, shipped, text

pytestmark = pytest.mark.slow

WRITTEN = (".py", ".toml", ".html", ".j2", ".jinja", ".js", ".css", ".sql", ".txt")

DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
ROOMS_WITH_DATES = {
    "cards/rendered/": "what was rendered, not what was written",
    "storefront_mcp/mcp/versions.py": "the one place that knows the protocol by date",
    "storefront_mcp/agent_protocols/": "the one place that knows other protocols by date",
    "storefront_mcp/demo/": "a shop of its own, with its own days; it speaks no MCP",
}
FOREIGN_DATES: dict[tuple[str, str], str] = {
    ("cards/registry_entry.py", "2025-12-11"): "the registry's schemas are named by date",
    ("storefront_mcp/payments/stripe/key_probe.py", "2026-09-30"): "the provider's previews are named by date",
}
"""(file, date) → why a document of somebody else's design needs that date in it."""

# A mahogany cabinet is no shop.
KIND = re.compile(f"(?i:{'|'.join(SOFTWARE_KINDS)})(?!gany)")
ROOMS_WITH_KINDS = {
    "storefront_mcp/app/backends.py": "the one choice of an adapter",
    "storefront_mcp/settings/": "an operator says which kind it is",
    "storefront_mcp/demo/": "a shop that speaks the interface of one of them",
    "storefront_mcp/cli/serve.py": "says which kind the demo shop is when it is served alone",
    "benchmarks/": "the shops that peers are put before",
    "tools/": "what recorded answers of real shops are compared by",
    "pyproject.toml": "which adapters know nothing of which",
    "Makefile": "the real shops that tests sell from",
}
"""Prefixes of files besides those of the adapters → why they name a kind of shop."""
OUTSIDE = ("tests/", "docs/", "README.md", "CHANGELOG.md", "ROADMAP.md", "CONTRIBUTING.md")
"""What tells of kinds of shops, or asks them."""

# A stripe is also what awnings have: only the name, the module and what is named after it count.
PROVIDER = re.compile(r"\bStripe(?=[A-Z_]|\b)|\bstripe(?=_|\.\w|-api)|(?<=import )stripe|(?<=[\"'])stripe(?=[\"'])")
ROOMS_WITH_PROVIDERS = (
    "storefront_mcp/demo/",
    "storefront_mcp/payments/",
    "storefront_mcp/settings/",
    "storefront_mcp/app/",
    "storefront_mcp/backends/maho/orders.py",  # a shop's module for a provider has the provider's name
    "storefront_mcp/cli/",
)

MACHINE = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/\w+/|Users/\w+/|opt/pypi)")
REGISTRY = re.compile(r"registry\.(?:npmjs|yarnpkg)\.|files\.pythonhosted\.|pypi\.org/simple|\b(?:extra-)?index-url\b")


def dates(name: str) -> set[str]:
    """The dates a file may not hold."""
    if name.startswith(tuple(ROOMS_WITH_DATES)):
        return set()
    return {date for date in DATE.findall(text(name)) if (name, date) not in FOREIGN_DATES}


def kinds(name: str) -> set[str]:
    """The kinds of shops a file may not name."""
    if name.startswith((*ROOMS_WITH_KINDS, *OUTSIDE)):
        return set()
    named = {kind.lower() for kind in KIND.findall(text(name))}
    return {kind for kind in named if not name.startswith(f"storefront_mcp/backends/{kind}/")}


def test_a_date_of_the_protocol_is_in_its_room() -> None:
    assert {name: found for name in shipped(*WRITTEN) if (found := dates(name))} == {}


def test_a_foreign_date_that_is_gone_is_no_longer_allowed() -> None:
    assert [(name, date) for name, date in FOREIGN_DATES if name not in files() or date not in text(name)] == []


def test_a_kind_of_shop_is_named_by_its_adapter_and_where_it_is_chosen() -> None:
    assert {name: found for name in files() if (found := kinds(name))} == {}


def test_a_room_that_names_no_kind_of_shop_is_no_longer_allowed_to() -> None:
    naming = [name for name in files() if KIND.search(text(name))]
    assert [room for room in ROOMS_WITH_KINDS if not any(name.startswith(room) for name in naming)] == []


def test_a_provider_of_payments_is_named_in_its_rooms_only() -> None:
    elsewhere = [name for name in shipped(*WRITTEN) if not name.startswith(ROOMS_WITH_PROVIDERS)]
    assert [name for name in elsewhere if PROVIDER.search(text(name))] == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    here = "tests/guards/architecture/test_rooms.py"
    found = {name: sorted(set(MACHINE.findall(text(name)))) for name in files() if name != here}

    assert {name: paths for name, paths in found.items() if paths} == {}


def test_only_the_lock_and_what_reads_the_settings_of_pip_and_uv_name_a_registry() -> None:
    knowing = {
        "uv.lock",
        ".ci/fresh",
        "tests/guards/architecture/test_rooms.py",
        "tools/bootstrap/sources.py",
        "tests/guards/architecture/test_package_sources.py",
    }

    assert [name for name in files() if name not in knowing and REGISTRY.search(text(name))] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("MahoBackend", True),
        ("mahogany", False),
        ("kind = 'woocommerce'", True),
        ("a medusa is a jellyfish, too", True),
        ("import stripe", True),
        ("class StripeGateway:", True),
        ("stripe.Charge", True),
        ('kind = "stripe"', True),
        ("paid by Stripe.", True),
        ("var(--stripe), two stripes, striped", False),
        ("stripe = 4", False),
    ],
)
def test_a_name_is_told_from_an_ordinary_word(line: str, *, found: bool) -> None:
    assert bool(KIND.search(line) or PROVIDER.search(line)) is found
