"""Checks of the settings: validity, published origin, encryption of personal data, shared limits."""

from typing import Final

from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import fault, note, ok, warning
from storefront_mcp.limits.store_check import shared_counts_failure, store_address
from storefront_mcp.settings.program import command_line


@check("settings.usable", "Can the settings be used?", "file")
async def check_usable(patient: ExaminedStore) -> Findings:
    """Every problem of the file and environment variables, as at start-up."""
    for problem in patient.subject.problems:
        key = problem.key or patient.subject.config
        yield fault(f"{key} keeps the server from starting.", f"Put it right: {key}: {problem.sentence}")
    if patient.subject.settings is not None:
        yield ok(f"{patient.subject.config} has what a server needs.")


@check("settings.address", "Is the address examined the one that is published?", "settings", "shop", "address")
async def check_address(patient: ExaminedStore) -> Findings:
    """The examined origin is `store.origin`, which published documents carry."""
    origin = patient.behind.store.origin
    if patient.web.origin != origin:
        yield warning(
            f"The settings publish {origin}, and {patient.web.origin} is examined.",
            f"Examine {origin}, or set store.origin to the address that agents use.",
        )
    else:
        yield ok(f"It is {origin}.")


@check("settings.personal-data", "Are buyers' addresses encrypted?", "settings", "shop")
async def check_buyers(patient: ExaminedStore) -> Findings:
    """`personal_data.key` is set where orders can be taken."""
    if patient.settings.personal_data.key:
        yield ok("What buyers tell is encrypted before it is stored.")
    elif patient.subject.demo:
        yield ok("What is told to a demo is thrown away at its next start.")
    elif patient.behind.store.payments.missing:
        yield ok("Nothing can be bought yet, so no buyer tells an address.")
    else:
        yield note(
            "Names and addresses of buyers would be stored as they are.",
            "Set personal_data.key_file to a file with the output of `openssl rand -base64 32`.",
        )


@check("settings.limits", "Do limits hold for all workers together?", "settings")
async def check_limits(patient: ExaminedStore) -> Findings:
    """Several workers need `limits_store`, as each counts in its own memory, and it must answer."""
    workers, url = patient.settings.workers, patient.settings.limits_store
    each = f"each of the {workers} workers counts" if workers > 1 else "the server counts"
    if url is not None:
        failure = await shared_counts_failure(url)
        if failure is None:
            yield ok(f"{store_address(url)} answers, where calls are counted.")
        else:
            yield warning(
                f"{store_address(url)}, where limits_store has calls counted, {failure}: until it does, {each} limits "
                "for itself.",
                "Start it, or put limits_store right.",
            )
    elif workers > 1:
        yield note(
            f"Each of the {workers} workers counts limits for itself.",
            "Set limits_store to a Valkey or Redis server, or leave it so if limits may be that many times as wide.",
        )
    else:
        yield ok("There is one worker, which counts all calls.")


@check("settings.catalogue", "Do workers share what shops say of their catalogues?", "settings")
async def check_shared_catalogue(patient: ExaminedStore) -> Findings:
    """`catalogue.shared` must answer; without it each worker asks the shop for itself."""
    workers, url = patient.settings.workers, patient.settings.catalogue.shared
    if url is not None:
        failure = await shared_counts_failure(url)
        if failure is None:
            yield ok(f"{store_address(url)} answers, where they share it.")
        else:
            yield warning(
                f"{store_address(url)}, where catalogue.shared has it shared, {failure}: until it does, each worker "
                "remembers for itself.",
                "Start it, or put catalogue.shared right.",
            )
    elif workers > 1:
        yield ok(f"Each of the {workers} workers remembers for itself; with catalogue.shared the shop is asked once.")
    else:
        yield ok("There is one worker, which remembers for itself.")


@check("settings.alerts", "Is somebody told when something breaks?", "settings")
async def check_alerts(patient: ExaminedStore) -> Findings:
    """`[alerts]` names a receiver."""
    alerts = patient.settings.alerts
    told = ["a webhook"] * (alerts.url is not None) + [f"mail to {len(alerts.mail_to)}"] * bool(alerts.mail_to)
    if told:
        test = command_line("alerts", "test", "--config", patient.subject.config)
        yield ok(f"By {' and '.join(told)}. To try it: {test}")
    elif patient.subject.demo:
        yield ok("A demo wakes nobody.")
    else:
        yield note(
            "Nobody is told when a checkout needs a person, the shop is down or the disk is nearly full.",
            "Set alerts.url and alerts.secret_file, or alerts.mail_to; leave it so if Prometheus has our alert rules.",
        )


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_usable,
    check_address,
    check_buyers,
    check_limits,
    check_shared_catalogue,
    check_alerts,
)
