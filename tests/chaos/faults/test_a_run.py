"""A few hundred checkouts while everything fails; `make faults` does many more."""

import asyncio
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.chaos.faults.people import BEGINNINGS, FINISHES
from tests.chaos.faults.report import told
from tests.chaos.faults.run import Plan, run
from tests.chaos.faults.software import SOFTWARE

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_books_agree_whatever_fails() -> None:
    plan = Plan(checkouts=250, seed=secrets.randbits(32), kill_every=7.0, act_every=3.0, seconds=240.0)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    report = asyncio.run(run(folder, plan))
    said = f"{told(report)}\nThe database and the logs are in {folder}"
    assert report.is_sound, said
    # A run in which nothing happened proves nothing.
    assert report.kills > 0, said
    assert report.asked_twice > 0, said
    assert {act.split()[0] for act in report.acts} == {"pause", "stop", "full", "foreign", "reprice"}, said
    assert min(report.states.get(state, 0) for state in ("placed", "canceled", "expired")) > 0, said
    assert set(report.currencies) == {"AUD", "JPY", "KWD"}, said
    assert set(report.begun) == set(BEGINNINGS), said
    assert set(report.finished) == set(FINISHES), said
    assert report.mixed > 0, said
    shutil.rmtree(folder)


@pytest.mark.parametrize("shop", sorted(SOFTWARE.keys() - {"maho"}))
def test_the_books_agree_over_shops_of_other_software(shop: str) -> None:
    seed = secrets.randbits(32)
    plan = Plan(checkouts=60, seed=seed, kill_every=7.0, act_every=6.0, seconds=120.0, shop=shop)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    report = asyncio.run(run(folder, plan))
    said = f"{told(report)}\nThe database and the logs are in {folder}"
    assert report.is_sound, said
    assert report.kills > 0, said
    assert report.states.get("placed", 0) > 0, said
    shutil.rmtree(folder)
