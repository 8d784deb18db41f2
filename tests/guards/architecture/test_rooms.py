"""Facts that have one room each: protocol dates, vendors, and nothing of the machine it was written on."""

import re

import pytest

from tests.guards.architecture.tree import files, shipped, text

WRITTEN = (".py", ".toml", ".html", ".j2", ".jinja", ".js", ".css", ".sql", ".txt")

DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
ROOMS_WITH_DATES = {
    "cards/rendered/": "what was rendered, not what was written",
    "storefront_mcp/mcp/versions.py": "the one place that knows the protocol by date",
    "storefront_mcp/demo/": "a shop of its own, with its own days; it speaks no MCP",
}
FOREIGN_DATES: dict[tuple[str, str], str] = {
    ("cards/registry_entry.py", "2025-12-11"): "the registry's schemas are named by date",
}
"""(file, date) → why a document of somebody else's design needs that date in it."""

VENDOR = re.compile(
    r"(?i:maho(?!gany)|medusa|woocommerce)"
    # A stripe is also what awnings have: only the name, the module and what is named after it count.
    r"|\bStripe(?=[A-Z_]|\b)|\bstripe(?=_|\.\w|-api)|(?<=import )stripe|(?<=[\"'])stripe(?=[\"'])"
)
ROOMS_WITH_VENDORS = (
    "storefront_mcp/demo/",  # stands for one of them
    "storefront_mcp/payments/",
    "storefront_mcp/settings",  # a module or a package
    "storefront_mcp/app/",
    "storefront_mcp/backends/maho/orders.py",  # a shop's module for a provider has the provider's name
    "storefront_mcp/cli",  # a module or a package
)

MACHINE = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/\w+/|Users/\w+/|opt/pypi)")
REGISTRY = re.compile(r"registry\.(?:npmjs|yarnpkg)\.|files\.pythonhosted\.|pypi\.org/simple|\b(?:extra-)?index-url\b")


def dates(name: str) -> set[str]:
    """The dates a file may not hold."""
    if name.startswith(tuple(ROOMS_WITH_DATES)):
        return set()
    return {date for date in DATE.findall(text(name)) if (name, date) not in FOREIGN_DATES}


def vendors(name: str) -> set[str]:
    """The vendors a file may not name."""
    if name.startswith(ROOMS_WITH_VENDORS):
        return set()
    named = {vendor.lower() for vendor in VENDOR.findall(text(name))}
    return {vendor for vendor in named if not name.startswith(f"storefront_mcp/backends/{vendor}")}


def test_a_date_of_the_protocol_is_in_its_room() -> None:
    assert {name: found for name in shipped(*WRITTEN) if (found := dates(name))} == {}


def test_a_foreign_date_that_is_gone_is_no_longer_allowed() -> None:
    assert [(name, date) for name, date in FOREIGN_DATES if name not in files() or date not in text(name)] == []


def test_a_vendor_is_named_in_its_room_only() -> None:
    assert {name: found for name in shipped(*WRITTEN) if (found := vendors(name))} == {}


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
        ("import stripe", True),
        ("class StripeGateway:", True),
        ("stripe.Charge", True),
        ('kind = "stripe"', True),
        ("paid by Stripe.", True),
        ("var(--stripe), two stripes, striped", False),
        ("stripe = 4", False),
    ],
)
def test_a_vendor_is_told_from_an_ordinary_word(line: str, *, found: bool) -> None:
    assert bool(VENDOR.search(line)) is found
