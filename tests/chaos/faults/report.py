"""What came of a fault run, for people."""

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Report(Struct, frozen=True, kw_only=True):
    """What came of a run."""

    seed: int
    checkouts: int
    states: Mapping[str, int]
    currencies: Mapping[str, int]
    begun: Mapping[str, int]
    """Carts by the protocol that began them."""
    finished: Mapping[str, int]
    """Checkouts by the protocol that finished their carts."""
    mixed: int
    """Checkouts of carts that another protocol began."""
    sessions: int
    """Checkout sessions that anybody was told of."""
    tasks: int
    """Tasks of A2A that led to a payment page."""
    stories: Mapping[str, int]
    orders: int
    asked_twice: int
    """How many times the shop was asked for an order once more."""
    refunded: int
    """How many needed a person, rightly, and were finished by one."""
    called_off: int
    """How many orders became dearer than agreed, and were taken back by a person."""
    kills: int
    freezes: int
    acts: Mapping[str, int]
    """What operators did, and what happened to their machines."""
    stripe_faults: Mapping[str, int]
    """What hit the latest twenty thousand requests there."""
    violations: Mapping[str, Sequence[str]]
    seconds: float
    settling: float
    """Seconds for which the reconciler was left alone."""
    processor: float
    """Seconds of all processes together."""

    @property
    def is_sound(self) -> bool:
        """Whether every invariant held."""
        return not any(self.violations.values())


def told(report: Report) -> str:
    """The report as text: what happened, then each invariant with its violations."""
    lines = [
        f"{report.checkouts} checkouts, {report.orders} orders, seed {report.seed}",
        f"  {report.kills} times a worker was killed, {report.freezes} times frozen for longer than its leases last",
        f"  {report.seconds} s, {report.settling} s of them for the reconciler alone; processor {report.processor} s",
        f"  {report.asked_twice} times the shop was asked once more",
        f"  a person refunded {report.refunded}, and took {report.called_off} orders back that had become dearer",
        f"  carts begun: {_counts(report.begun)}",
        f"  checkouts: {_counts(report.finished)}; {report.mixed} of carts that another protocol began",
        f"  {report.sessions} checkout sessions, {report.tasks} tasks",
        f"  operators: {_counts(report.acts)}",
        *(f"  {_counts(one)}" for one in (report.states, report.currencies, report.stories, report.stripe_faults)),
    ]
    for name, found in report.violations.items():
        lines.append(f"{len(found):6} violations: {name}")
        lines += [f"         {line}" for line in found[:10]]
    return "\n".join(lines)


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
