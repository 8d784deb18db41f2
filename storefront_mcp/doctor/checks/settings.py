"""Whether the settings can be used, and whether they are wise."""

from typing import Final

from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient


@check("settings.usable", "The settings can be used", "file")
async def usable(patient: Patient) -> Findings:
    """Every problem of the file and of the variables, as a start would name them."""
    for problem in patient.subject.problems:
        key = problem.key or patient.subject.config
        yield fault(f"{key} keeps the server from starting.", f"Put it right: {key}: {problem.sentence}")
    if patient.subject.settings is not None:
        yield ok(f"{patient.subject.config} has what a server needs.")


@check("settings.address", "The address examined is the one that is published", "settings", "shop", "address")
async def address(patient: Patient) -> Findings:
    """Published documents start with the configured origin, wherever they are fetched from."""
    origin = patient.behind.store.origin
    if patient.web.origin != origin:
        yield warning(
            f"The settings publish {origin}, and {patient.web.origin} is examined.",
            f"Examine {origin}, or set store.origin to the address that agents use.",
        )
    else:
        yield ok(f"It is {origin}.")


@check("settings.personal-data", "Buyers' addresses are encrypted", "settings", "shop")
async def buyers(patient: Patient) -> Findings:
    """Only where something can be sold."""
    if patient.settings.personal_data.key:
        yield ok("What buyers tell is encrypted before it is stored.")
    elif patient.behind.store.payments.missing:
        yield ok("Nothing can be bought yet, so no buyer tells an address.")
    else:
        yield note(
            "Names and addresses of buyers would be stored as they are.",
            "Set personal_data.key_file to a file with the output of `openssl rand -base64 32`.",
        )


@check("settings.limits", "Limits hold for all workers together", "settings")
async def limits(patient: Patient) -> Findings:
    """Each worker has a memory of its own."""
    workers = patient.settings.workers
    if workers > 1 and patient.settings.limits_store is None:
        yield note(
            f"Each of the {workers} workers counts limits for itself.",
            "Set limits_store to a Valkey or Redis server, or leave it so if limits may be that many times as wide.",
        )
    else:
        yield ok("Calls are counted once.")


CHECKS: Final[tuple[Check, ...]] = (usable, address, buyers, limits)
