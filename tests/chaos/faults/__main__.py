"""`python -m tests.chaos.faults --checkouts 10000 --seed 1`: print what came of it; exit code 1 when an invariant
broke."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults.report import told
from tests.chaos.faults.run import Plan, run
from tests.chaos.faults.software import SOFTWARE


def main() -> int:
    """Run once."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.faults", description=__doc__)
    parser.add_argument("--checkouts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--kill-every", type=float, default=15.0, help="seconds between two kills, on average")
    parser.add_argument("--act-every", type=float, default=10.0, help="seconds between two acts of operators")
    parser.add_argument("--at-once", type=int, default=48, help="people who shop at the same time")
    parser.add_argument("--shop", choices=sorted(SOFTWARE), default="maho", help="whose software the shop has")
    parser.add_argument("--minutes", type=float, default=120.0, help="nobody begins any more after so long")
    parser.add_argument("--keep", action="store_true", help="leave the database and the logs in any case")
    asked = parser.parse_args()
    plan = Plan(
        checkouts=asked.checkouts,
        seed=asked.seed,
        at_once=asked.at_once,
        kill_every=asked.kill_every,
        act_every=asked.act_every,
        seconds=60 * asked.minutes,
        shop=asked.shop,
    )

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    tell(f"seed {plan.seed}")
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    succeeded = False
    try:
        report = asyncio.run(run(folder, plan, tell=tell))
        sys.stdout.write(told(report) + "\n")
        if report.checkouts < plan.checkouts:
            sys.stdout.write(f"only {report.checkouts} of {plan.checkouts} in time\n")
        succeeded = report.is_sound and report.checkouts >= plan.checkouts
    finally:
        if succeeded and not asked.keep:
            shutil.rmtree(folder)
        else:
            sys.stdout.write(f"the database and the logs are in {folder}\n")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
