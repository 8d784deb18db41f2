"""Every fault that is planted in a healthy store is named first in the doctor's output, rightly and with what to do."""

from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.access.credentials import Secret
from storefront_mcp.cli.doctor import print_report
from storefront_mcp.doctor import DoctorReport
from storefront_mcp.doctor.patient import CARD
from storefront_mcp.settings.schema import PaymentSettings
from tests.fakes.demo_faults import DemoFault
from tests.unit.doctor import planted
from tests.unit.doctor.conftest import ExaminedShop
from tests.unit.doctor.planted import API, PUBLIC, Plant, staged

pytestmark = pytest.mark.slow

PAGE: dict[str, Any] = {"body": b"<!doctype html><p>No.", "kind": "text/html"}
OPEN_SANDBOX = PaymentSettings(provider="sandbox", public_sandbox=True)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What a person reads first: the verdict, and the finding below it as one line."""
    monkeypatch.setenv("COLUMNS", "400")

    def read(report: DoctorReport) -> tuple[str, str]:
        capsys.readouterr()
        print_report(report, show_all=False)
        verdict, *rest = (line.strip() for line in capsys.readouterr().out.splitlines())
        return verdict, " ".join(rest[: rest.index("")])

    return read


SHOP: list[tuple[str, Plant, str, str]] = [
    ("login", planted.shop_answers(401), "The shop http://127.0.0.1:* wants a login (401)", "Let this machine in"),
    ("forbidden", planted.shop_answers(403), "The shop http://127.0.0.1:* forbids us to ask (403)", "firewall"),
    (
        "products forbidden",
        planted.shop_answers(403, f"{API}/products", **PAGE),
        f"The shop's {API}/products forbids us to ask (403, a web page)",
        "firewall or bot protection",
    ),
    ("carts forbidden", planted.shop_answers(403, f"{API}/guest-carts"), f"The shop's {API}/guest-carts/", "firewall"),
    ("not found", planted.shop_answers(404, **PAGE), "answers 404 with a web page instead of JSON", "upstream.url"),
    ("broken", planted.shop_answers(500), "is broken (500)", "the shop's own log"),
    ("not available", planted.shop_answers(503), "is not available (503)", "maintenance mode"),
    ("too many", planted.shop_answers(429), "is asked too often (429)", "Exempt this machine"),
    ("no JSON", planted.shop_answers(200, **PAGE), "answers 200 with a web page instead of JSON", "page cache"),
    ("somebody else", planted.shop_answers(200), "does not speak Maho's REST v2 (200)", "address of a Maho shop"),
    (
        "switched off",
        planted.shop_answers(404, body=b'{"error":"protocol_disabled"}'),
        "has its REST v2 switched off",
        "Switch REST v2 on",
    ),
    ("moved", planted.shop_fault(DemoFault.REDIRECT, 1, 20), "sends us elsewhere", "https://elsewhere.invalid"),
    ("silent", planted.shop_fault(DemoFault.GONE, 5, 0.3), "did not answer in time", "Find out what keeps it"),
    ("nobody", planted.shop_at("http://127.0.0.1:{port}"), "as nobody listens there", "Start the server"),
    ("unknown", planted.shop_at("http://shop.invalid"), "as nobody knows its host", "the DNS"),
    ("plain port", planted.shop_scheme, "is asked by https and speaks plain http", "Write http://"),
    ("TLS port", planted.shop_over_tls("http:"), "is asked by plain http and wants https", "Write https://"),
    ("stranger", planted.shop_over_tls("https:"), "certificate of an authority that is not trusted", "SSL_CERT_FILE"),
    ("other name", planted.trusted(planted.shop_over_tls("https:", name="else.example")), "another host name", "Use"),
    ("expired", planted.trusted(planted.shop_over_tls("https:", days=-1)), "has expired", "Renew the certificate"),
    ("store view", planted.upstream(store_code="eu"), "has no store view 'eu'", "one that it has: default"),
    ("currency", planted.store(currency="CHF"), "does not sell in CHF", "Set store.currency to one"),
    ("empty", planted.shop_says(planted.empty), "has nothing to sell", "products that are enabled"),
    ("guests", planted.shop_says(planted.guests_off), "takes no orders of guests", "Allow guest checkout"),
    (
        "account",
        planted.upstream(client_id="storefront", client_secret=Secret("old")),
        "refuses our service account",
        "Renew its secret",
    ),
    ("clock", lambda stage: setattr(stage, "skew", 900.0), "clock and ours are 90", "NTP"),
]
SHOP_LOOKS: list[tuple[str, Plant, str, str]] = [
    ("slow", planted.shop_fault(DemoFault.SLOW, 2.2, 4), "the slowest 2.", "raise store.upstream.timeouts.read"),
    ("maintenance", planted.maintained, "maintenance mode", "End the maintenance"),
    ("page", planted.store(pages=("jobs",)), "no page 'jobs'", "out of store.pages"),
]
HOME: list[tuple[str, Plant, str, str]] = [
    ("settings", planted.broken_settings, "keeps the server from starting", "Put it right: "),
    ("no folder", planted.elsewhere("var/storefront.db"), "its folder cannot be written to", "Make the folder"),
    ("text", planted.text_file, "letter.db cannot be used: ", "Set database to a file of ours"),
    (
        "foreign",
        planted.elsewhere("theirs.db", "CREATE TABLE customers (name TEXT)"),
        "theirs.db has tables of somebody else",
        "a database of its own",
    ),
    ("newer", planted.newer, "are at 9999, which this version does not know", "Update storefront-mcp"),
    ("full", planted.full, "storefront.db is full", "df -h"),
    ("locked", planted.locked, "storefront.db is locked", "End the process that holds it"),
    ("replaced", planted.replaced_file, "was replaced since the start", "restart the server"),
    ("absent", planted.elsewhere("other.db"), "The running server uses another database than", "STOREFRONT_"),
    (
        "refused key",
        planted.paid("sk_test_revoked", "whsec_1"),
        "Stripe refuses store.payments.secret_key",
        "Make a key",
    ),
    ("publishable key", planted.paid("pk_test_1", "whsec_1"), "is no secret key of Stripe's", "restricted key"),
    ("no payments", planted.no_payments, "p3_checkout is open, but nobody could pay", "phases pause p3_checkout"),
]
HOME_LOOKS: list[tuple[str, Plant, str, str]] = [
    ("shared file", planted.shared_file, "can be opened by others (mode 644)", "Run: chmod 600"),
    ("Redis", planted.two_workers, "each of the 2 workers counts limits for itself", "put limits_store right"),
    ("webhook", planted.paid("sk_test_fake", "abc"), "no signing secret of Stripe's", "begins with whsec_"),
    ("no Stripe", planted.paid("sk_test_1", "whsec_1", desk=False), "Stripe could not be asked", "reach Stripe"),
    ("mail away", planted.mail_nowhere, "as nobody listens there, so no buyer gets a confirmation", "its port"),
    ("mail login", planted.mail_login, "refuses our login (535)", "Check smtp.username"),
    ("no STARTTLS", planted.mailed(security="starttls"), "offers no STARTTLS", 'smtp.security to "tls"'),
    ("no TLS", planted.mailed(security="tls"), "does not begin with TLS", 'smtp.security to "starttls"'),
    ("TLS", planted.mail_over_tls, "wants TLS from the beginning", 'Set smtp.security to "tls"'),
]
ADDRESS: list[tuple[str, Plant, str, str]] = [
    ("stopped", planted.stopped, "cannot be reached, as nobody listens there", "Start it: storefront-mcp serve"),
    ("gateway", planted.path_answers(CARD, 502), "is broken (502)", "the proxy before it"),
    ("host", planted.other_host, "has no store under the name 127.0.0.1", "Let the proxy pass Host on"),
    ("endpoint", planted.path_answers("/mcp", 404), "endpoint http://127.0.0.1:*/mcp is not there", "pass /mcp on"),
    ("not ready", planted.path_answers("/readyz", 503), "/readyz answers 503", "log of the server"),
]
ELSEWHERE: list[tuple[str, Plant, str, str]] = [
    ("unknown", planted.at("https://store.invalid"), "as nobody knows its host", "the DNS"),
    ("plain port", planted.encrypted_only_in_name, "is asked by https and speaks plain http", "Write http://"),
    ("TLS port", planted.over_tls("http:"), "is asked by plain http and wants https", "Write https://"),
    ("stranger", planted.over_tls("https:"), "authority that is not trusted", "SSL_CERT_FILE"),
    ("other name", planted.trusted(planted.over_tls("https:", name="else.example")), "another host name", "Use the"),
    ("expired", planted.trusted(planted.over_tls("https:", days=-1)), "has expired", "Renew the certificate"),
]
IN_PUBLIC: list[tuple[str, Plant, PaymentSettings, str, str, str]] = [
    ("sandbox", planted.nothing, OPEN_SANDBOX, "warning", "its payments are the sandbox's", "store.payments.provider"),
    (
        "closed sandbox",
        planted.store(payments=PaymentSettings(provider="sandbox")),
        OPEN_SANDBOX,
        "fault",
        "p3_checkout is open, but",
        "Set that up, or close it",
    ),
    (
        "test key",
        planted.paid("sk_test_fake", "whsec_1"),
        PaymentSettings(offline=("banktransfer",)),
        "warning",
        "is a test key: orders are made and no money moves",
        "Put a live key there",
    ),
    ("addresses", planted.tells_no_addresses, PaymentSettings(), "warning", "", "X-Forwarded-For"),
]


def matches(text: str, wanted: str) -> bool:
    """Whether a text contains the wanted one, whose * stands for a port."""
    at = 0
    for part in wanted.split("*"):
        at = text.find(part, at)
        if at < 0:
            return False
    return True


def ids(rows: list[Any]) -> list[str]:
    return [row[0] for row in rows]


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a certificate one of a known authority."""
    return lambda path: monkeypatch.setenv("SSL_CERT_FILE", path)


async def test_nothing_planted_is_nothing_wrong(examined_shop: ExaminedShop, tmp_path: Path, printed: Any) -> None:
    async with staged(examined_shop, tmp_path, planted.nothing) as stage:
        report = await stage.examine()

    assert printed(report) == ("Nothing is wrong.", "")
    assert report.as_json()["worst"] is None


@pytest.mark.parametrize(("name", "plant", "says", "fix"), [*SHOP, *HOME, *ADDRESS, *ELSEWHERE])
async def test_a_planted_fault_is_named_first(
    examined_shop: ExaminedShop,
    tmp_path: Path,
    printed: Any,
    trust: Any,
    name: str,
    plant: Plant,
    says: str,
    fix: str,
) -> None:
    async with staged(examined_shop, tmp_path, plant, trust=trust) as stage:
        report = await stage.examine()
    verdict, first = printed(report)

    assert not verdict.startswith("Nothing"), name
    assert matches(first, says), first
    assert fix in first.partition("→")[2], first
    assert report.as_json()["worst"]["level"] == "fault"


@pytest.mark.parametrize(("name", "plant", "says", "fix"), [*SHOP_LOOKS, *HOME_LOOKS])
async def test_what_will_hurt_is_named_first_where_nothing_is_wrong(
    examined_shop: ExaminedShop, tmp_path: Path, printed: Any, name: str, plant: Plant, says: str, fix: str
) -> None:
    async with staged(examined_shop, tmp_path, plant) as stage:
        report = await stage.examine()
    verdict, first = printed(report)

    assert verdict == "Nothing is wrong, 1 to look at.", (name, first)
    assert says in first, first
    assert fix in first.partition("→")[2], first


@pytest.mark.parametrize(("name", "plant", "payments", "level", "says", "fix"), IN_PUBLIC)
async def test_a_fault_of_a_public_store_is_named_first(
    examined_shop: ExaminedShop,
    tmp_path: Path,
    printed: Any,
    name: str,
    plant: Plant,
    payments: PaymentSettings,
    level: str,
    says: str,
    fix: str,
) -> None:
    async with staged(examined_shop, tmp_path, plant, origin=PUBLIC, payments=payments) as stage:
        report = await stage.examine()
    _, first = printed(report)

    assert report.as_json()["worst"]["level"] == level, (name, first)
    assert says in first, first
    assert fix in first.partition("→")[2], first
