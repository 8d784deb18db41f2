"""Faults of the settings, the database, payments and phases, planted one by one, each found with its fix."""

import datetime as dt
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import insert

from storefront_mcp.access.credentials import Secret
from storefront_mcp.database import Database, schema
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.tables.order_events import ORDER_EVENTS
from storefront_mcp.doctor import ExaminationSubject
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.payments.key_probe import KeyCheck
from storefront_mcp.payments.stripe.key_probe import StripeKeyProbe
from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.agent_protocols import AcpSettings, AcpWebhookSettings
from storefront_mcp.settings.alerts import AlertSettings
from storefront_mcp.settings.catalogue import CatalogueSettings
from storefront_mcp.settings.schema import PaymentSettings
from storefront_mcp.settings.storage import DatabaseLocation, PrivacySettings
from tests.fakes import stripe
from tests.serving import free_port
from tests.unit.doctor.conftest import opened
from tests.unit.doctor.stores import bad, findings, of, only, settings
from tests.unit.limits.conftest import CountingServer, own_server

pytestmark = pytest.mark.slow

__all__ = ["own_server"]

PUBLIC = "https://pickle.example"


def written(tmp_path: Path, text: str) -> ExaminationSubject:
    """What the command makes of a file of settings that cannot be used."""
    path = tmp_path / "storefront.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid) as broken:
        Settings.load(path, {})
    return ExaminationSubject(config="storefront.toml", problems=broken.value.problems)


STORE = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle"
currency = "AUD"
[store.upstream]
kind = "maho"
url = "https://shop.pickle.example"
"""


async def test_a_misspelt_setting(tmp_path: Path) -> None:
    report = await only(written(tmp_path, STORE.replace("currency", "curency")), "settings")

    assert (
        "Put it right: store[0].curency: there is no such setting; did you mean currency?"
        in (bad(report)["settings.usable"])
    )


async def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    payments = '[store.payments]\nprovider = "stripe"\nsecret_key_file = "not-there"\n'
    report = await only(written(tmp_path, STORE + payments), "settings")

    assert bad(report)["settings.usable"][0] == (
        "Put it right: store[0].payments.secret_key_file: not-there cannot be read: No such file or directory."
    )


async def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    report = await only(written(tmp_path, "a ="), "settings")
    (found,) = findings(report, "settings.usable")

    assert found.says == "storefront.toml keeps the server from starting."
    assert found.fix is not None
    assert found.fix.startswith("Put it right: storefront.toml: it is not TOML: ")


async def test_another_address_than_the_published_one(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1", origin=PUBLIC)
    report = await only(of(chosen, url="https://www.pickle.example"), "settings")

    assert bad(report, "warning") == {
        "settings.address": [f"Examine {PUBLIC}, or set store.origin to the address that agents use."]
    }


async def test_notes_on_what_could_be_better(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1", payments=PaymentSettings(provider="sandbox"))
    report = await only(of(replace(chosen, workers=3)), "settings")

    assert bad(report, "note") == {
        "settings.personal-data": [
            "Set personal_data.key_file to a file with the output of `openssl rand -base64 32`."
        ],
        "settings.limits": [
            ("Set limits_store to a Valkey or Redis server, or leave it so if limits may be that many times as wide.")
        ],
        "settings.alerts": [
            "Set alerts.url and alerts.secret_file, or alerts.mail_to; leave it so if Prometheus has our alert rules."
        ],
    }


@pytest.mark.parametrize(
    ("workers", "says"),
    [
        (1, "There is one worker, which remembers for itself."),
        (3, "Each of the 3 workers remembers for itself; with catalogue.shared the shop is asked once."),
    ],
)
async def test_workers_that_share_nothing_of_the_catalogue(tmp_path: Path, workers: int, says: str) -> None:
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), workers=workers)
    (found,) = findings(await only(of(chosen), "settings.catalogue"), "settings.catalogue")

    assert (found.level, found.says) == ("ok", says)


async def test_a_shared_catalogue_that_does_not_answer_and_one_that_does(
    tmp_path: Path, own_server: CountingServer
) -> None:
    shared = CatalogueSettings(shared=own_server.url)
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), catalogue=shared)
    gone = await only(of(chosen), "settings.catalogue")
    own_server.start()
    there = await only(of(chosen), "settings.catalogue")

    assert bad(gone, "warning") == {"settings.catalogue": ["Start it, or put catalogue.shared right."]}
    assert findings(there, "settings.catalogue")[0].level == "ok"


async def test_whoever_is_told_when_something_breaks_is_named_with_the_way_to_try_it(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    alerts = AlertSettings(
        url="https://alerts.example/hook-5ecret", secret=Secret("s"), mail_to=("ops@pickle.example",)
    )
    report = await only(of(replace(chosen, alerts=alerts)), "settings.alerts")
    demo = await only(replace(of(chosen), demo=True), "settings.alerts")

    (found,) = findings(report, "settings.alerts")
    assert (found.level, "5ecret" in found.says) == ("ok", False)
    assert found.says.startswith("By a webhook and mail to 1. To try it: ")
    assert found.says.endswith("alerts test --config storefront.toml")
    assert [one.level for one in findings(demo, "settings.alerts")] == ["ok"]


async def test_personal_data_that_is_encrypted_or_never_there(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    nothing_sold = await only(of(chosen), "settings")
    encrypted = await only(of(replace(chosen, personal_data=PrivacySettings(key=(Secret("k"),)))), "settings")

    assert [one.level for one in findings(nothing_sold, "settings.personal-data")] == ["ok"]
    assert [one.level for one in findings(encrypted, "settings.personal-data")] == ["ok"]


# The database --------------------------------------------------------------------------------------------------------


def planted(chosen: Settings, content: bytes | None = None, *, mode: int = 0o600) -> None:
    """Put something where the database should be, or let others open what is there."""
    path = Path(chosen.database)
    if content is not None:
        path.write_bytes(content)
    path.chmod(mode)


def list_of(folder: Path) -> list[str]:
    """What is in a folder."""
    return [one.name for one in folder.iterdir()]


async def test_a_database_that_is_not_there_yet_is_left_so(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    report = await only(of(chosen), "database", "phases")

    assert bad(report) == {}
    assert not list_of(tmp_path)
    assert [one.says for one in findings(report, "phases.kept")] == ["No phase is open."]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "lib"
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), database=DatabaseLocation(folder / "storefront.db"))
    report = await only(of(chosen), "database", "phases")

    assert bad(report) == {
        "database.reached": [
            f"Make the folder {folder} and let the user of the server write there, or set database to another path."
        ]
    }
    assert report.counts["skipped"] == 6


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    planted(chosen, b"a letter to a friend, at some length" * 100)
    report = await only(of(chosen), "database")

    assert bad(report) == {
        "database.reached": ["Set database to a file of ours or to a server that answers, and check who may open it."]
    }


@pytest.mark.parametrize(
    "where", ["postgresql://shop@127.0.0.1:{port}/storefront", "postgresql://shop@127.0.0.1:nowhere/storefront"]
)
async def test_a_database_server_that_is_not_there(tmp_path: Path, where: str) -> None:
    pytest.importorskip("psycopg")
    chosen = replace(
        settings(tmp_path, "http://127.0.0.1:1"), database=DatabaseLocation(where.format(port=free_port()))
    )
    report = await only(of(chosen), "database")

    assert bad(report) == {
        "database.reached": ["Set database to a file of ours or to a server that answers, and check who may open it."]
    }


def revised(chosen: Settings, revision: str) -> None:
    """A database at another revision than ours."""
    Database(chosen.database).close()
    with sqlite3.connect(chosen.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()


async def test_pending_migrations(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    revised(chosen, schema.REVISIONS[0])
    report = await only(of(chosen), "database", "phases")

    assert bad(report, "warning") == {
        "database.tables": [
            (
                "Back the database up, stop every process of the old version, and start this one: it brings them up "
                "to date."
            )
        ]
    }
    (found,) = findings(report, "database.tables")
    assert found.says == f"Its tables are at 0001; {', '.join(schema.REVISIONS[1:])} are pending."
    with sqlite3.connect(chosen.database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    connection.close()


async def test_tables_of_a_newer_version(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    revised(chosen, "9999")
    report = await only(of(chosen), "database")

    assert bad(report) == {
        "database.tables": ["Update storefront-mcp, or restore the backup that was made before the update."]
    }


async def test_a_database_that_others_can_read(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    Database(chosen.database).close()
    planted(chosen, mode=0o644)
    report = await only(of(chosen), "database")

    assert bad(report, "warning") == {"database.private": [f"Run: chmod 600 {chosen.database}"]}


async def test_a_database_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's word is planted, as nothing is closed to root."""
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    Database(chosen.database).close()
    monkeypatch.setattr(os, "access", lambda _, wanted: not wanted & os.W_OK)
    report = await only(of(chosen), "database", "phases")

    assert bad(report) == {
        "database.reached": [f"Examine as the user of the server, or give that user the file: {chosen.database}"]
    }


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("", "Add ?sslmode=verify-full to the database's URL unless the server is on this machine."),
        ("?sslmode=verify-full", None),
    ],
)
async def test_a_connection_that_others_could_read(tmp_path: Path, query: str, fix: str | None) -> None:
    where = DatabaseLocation(f"postgresql://shop@db.pickle.example/storefront{query}")
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), database=where)
    (found,) = findings(await only(of(chosen), "database.private"), "database.private")

    assert (found.level, found.fix) == ("note" if fix else "ok", fix)


async def test_an_empty_file_is_filled_by_the_first_start(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    planted(chosen, b"")
    report = await only(of(chosen), "database")

    assert [one.says for one in findings(report, "database.tables")] == [
        "There are none yet; the first start makes them."
    ]
    assert bad(report) == {}


async def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    with sqlite3.connect(chosen.database) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    report = await only(of(chosen), "database.reached")

    assert bad(report) == {"database.reached": ["Give this server a database of its own, and set database to it."]}


# Payments ------------------------------------------------------------------------------------------------------------


async def test_nobody_could_pay(tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, "http://127.0.0.1:1")), "payments")

    assert bad(report, "note") == {
        "payments.provider": [
            ("Set store.payments.provider, or list the shop's own ways to pay in store.payments.offline.")
        ]
    }


async def test_the_sandbox_on_a_public_origin(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1", origin=PUBLIC, payments=PaymentSettings(provider="sandbox"))
    report = await only(of(chosen), "payments")

    (advice,) = bad(report, "warning")["payments.provider"]
    assert advice.startswith("Set store.payments.provider to a real one before orders are taken.")
    assert "store.payments.public_sandbox = true" in advice


def paid(tmp_path: Path, key: str, url: str, **more: Any) -> Settings:
    facts = {"webhook_secrets": (Secret("whsec_1"),), "origin": "http://127.0.0.1:1", **more}
    payments = PaymentSettings(
        provider="stripe", secret_key=Secret(key), webhook_secrets=facts.pop("webhook_secrets"), url=url
    )
    return settings(tmp_path, "http://127.0.0.1:1", payments=payments, **facts)


async def test_a_key_that_the_provider_takes(tmp_path: Path) -> None:
    async with stripe.running() as desk:
        report = await only(of(paid(tmp_path, desk.key, desk.url)), "payments")
        (asked,) = await desk.requests()

    assert bad(report) == bad(report, "warning") == bad(report, "note") == {}
    assert asked["method"] == "GET"


async def test_a_key_that_the_provider_refuses(tmp_path: Path) -> None:
    async with stripe.running() as desk:
        report = await only(of(paid(tmp_path, "sk_test_revoked", desk.url)), "payments")

    assert bad(report) == {
        "payments.key": [
            (
                "Make a key that may write Checkout Sessions and PaymentIntents, and put it where "
                "store.payments.secret_key comes from."
            )
        ]
    }
    assert "revoked" not in str(report.as_json())


async def test_a_key_of_another_kind(tmp_path: Path) -> None:
    report = await only(of(paid(tmp_path, "pk_live_1", "http://127.0.0.1:1")), "payments")

    assert bad(report) == {
        "payments.key": ["Put a secret or restricted key there; publishable keys and webhook secrets go elsewhere."]
    }


async def test_a_provider_that_cannot_be_reached(tmp_path: Path) -> None:
    report = await only(of(paid(tmp_path, "sk_test_1", f"http://127.0.0.1:{free_port()}")), "payments")

    assert bad(report, "warning") == {"payments.key": ["Let this machine reach Stripe over HTTPS, and examine again."]}


async def test_a_provider_that_is_broken() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    probe = StripeKeyProbe("sk_test_1", transport=transport)

    assert await probe.key() == KeyCheck(accepted=None, said="it answered 500")


async def test_no_secret_for_webhooks(tmp_path: Path) -> None:
    report = await only(of(paid(tmp_path, "pk_1", "http://127.0.0.1:1", webhook_secrets=())), "payments")

    assert bad(report, "note") == {
        "payments.webhooks": [
            (
                "Add the webhook endpoint at the provider, and set store.payments.webhook_secrets_file to its "
                "signing secret."
            )
        ]
    }


@pytest.mark.parametrize(
    ("key", "origin", "fix"),
    [
        ("rk_test_1", PUBLIC, "Put a live key there before orders are taken."),
        ("sk_live_1", "http://127.0.0.1:1", "Use a test key here."),
    ],
)
async def test_a_key_of_the_wrong_mode(tmp_path: Path, key: str, origin: str, fix: str) -> None:
    report = await only(of(paid(tmp_path, key, "http://127.0.0.1:1", origin=origin)), "payments.mode")

    assert bad(report, "warning") == {"payments.mode": [fix]}


def paid_by_tokens(tmp_path: Path, desk: stripe.FakeStripe, *, key: str = "", acp: bool = True) -> Settings:
    chosen = paid(tmp_path, key or desk.key, desk.url)
    payments = replace(chosen.stores[0].payments, token_profile="profile_test_pickle")
    return replace(chosen, stores=(replace(chosen.stores[0], payments=payments, acp=AcpSettings(enabled=acp)),))


async def test_tokens_that_may_be_read(tmp_path: Path) -> None:
    async with stripe.running() as desk:
        report = await only(of(paid_by_tokens(tmp_path, desk)), "payments.tokens")
        (asked,) = await desk.requests()

    assert bad(report) == bad(report, "warning") == bad(report, "note") == {}
    assert (asked["method"], asked["status"]) == ("GET", 404)


async def test_tokens_that_the_sandbox_does_not_take(tmp_path: Path) -> None:
    payments = PaymentSettings(provider="sandbox", token_profile="profile_test_pickle")
    report = await only(of(settings(tmp_path, "http://127.0.0.1:1", payments=payments)), "payments.tokens")

    assert bad(report, "warning") == {
        "payments.tokens": ["Leave token_profile out until store.payments.provider is a real one."]
    }


async def test_tokens_that_nothing_brings(tmp_path: Path) -> None:
    async with stripe.running() as desk:
        report = await only(of(paid_by_tokens(tmp_path, desk, acp=False)), "payments.tokens")

    assert bad(report, "warning") == {"payments.tokens": ["Set store.acp.enabled = true, or leave token_profile out."]}


async def test_tokens_that_the_provider_does_not_let_us_read(tmp_path: Path) -> None:
    async with stripe.running() as desk:
        report = await only(of(paid_by_tokens(tmp_path, desk, key="sk_test_revoked")), "payments.tokens")

    (advice,) = bad(report, "warning")["payments.tokens"]
    assert advice.startswith("Agree to the terms of the preview at the provider")


async def test_an_account_without_the_preview() -> None:
    unknown = {"error": {"message": "Unrecognized request URL (GET: /v1/shared_payment/granted_tokens/spt_doctor)."}}
    answers = iter([httpx.Response(404, json=unknown), httpx.Response(500)])
    probe = StripeKeyProbe("sk_test_1", transport=httpx.MockTransport(lambda _: next(answers)))

    assert [(await probe.tokens()).accepted for _ in range(2)] == [False, None]


# Phases --------------------------------------------------------------------------------------------------------------


async def test_a_phase_that_is_open_without_a_provider(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1", payments=PaymentSettings(provider="sandbox"))
    opened(chosen, "p1_browse", "p2_cart", "p3_checkout")
    without = settings(tmp_path, "http://127.0.0.1:1")
    report = await only(of(without), "database", "phases")

    assert bad(report) == {"phases.kept": ["Set that up, or close it: storefront-mcp phases pause p3_checkout"]}
    assert "p3_checkout is open, but nobody could pay: set payments.provider" in (
        " ".join(one.says for one in findings(report, "phases.kept"))
    )


async def test_what_could_open_and_what_could_not(tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, "http://127.0.0.1:1")), "database", "phases")
    told = [(one.says, one.fix) for one in findings(report, "phases.next")]

    assert told[0] == ("p1_browse could open.", "To open it: storefront-mcp phases open p1_browse")
    assert any(says.startswith("It cannot open yet: p2_cart: requires p1_browse") for says, _ in told)
    assert any(says.startswith("It cannot open yet: p3_checkout: nobody could pay") for says, _ in told)


async def test_platforms_that_cannot_be_told_of_orders(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    (store,) = chosen.stores
    now = dt.datetime.now(dt.UTC)
    issued = mint_key(store=store.id, label="an agent", scopes=frozenset(), by="a test", now=now)
    receivers = [
        AcpWebhookSettings(key=key, url="https://platform.example/events", secret=Secret("s" * 16))
        for key in (issued.key.id, "unknown1234")
    ]

    def told(enabled: bool, *webhooks: AcpWebhookSettings) -> ExaminationSubject:
        acp = AcpSettings(enabled=enabled, webhooks=webhooks)
        return of(replace(chosen, stores=(replace(store, acp=acp),)))

    with closing(Database(chosen.database)) as database:
        SqlApiKeyRepository(database).add(issued.key, issued.digest)
        nobody = await only(told(True), "order_events")
        right = await only(told(True, receivers[0]), "order_events")
        wrong = await only(told(False, *receivers), "order_events")
        with database.writing() as connection:
            row = {"checkout": "chk_1", "store": store.id, "owner": "key:a", "session": b"=s", "status": "failed"}
            connection.execute(insert(ORDER_EVENTS).values(row | {"queued_at": 1.0, "due_at": 1.0, "tries": 10}))
        failed = await only(told(True, receivers[0]), "order_events")

    for report in (nobody, right):
        assert [one.level for one in findings(report, "order_events.receivers")] == ["ok"]
    assert bad(wrong, "warning")["order_events.receivers"] == [
        "Set store.acp.enabled = true, or take store.acp.webhooks out.",
        "Put the id of the key that its agent has into store.acp.webhooks, or take the platform out.",
    ]
    (found,) = findings(failed, "order_events.receivers")
    assert (found.level, found.says) == ("warning", "Platforms could not be told of 1 order.")
