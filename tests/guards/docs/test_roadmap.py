"""ROADMAP.md says what phases/ promises and how much of it is kept."""

from storefront_mcp.app import all_phases
from storefront_mcp.roadmap.manifest import PromisedTool
from storefront_mcp.roadmap.roadmap import Phase
from tests.guards.docs.markdown import ROOT, is_generated, table

PAGE = ROOT / "ROADMAP.md"
AUTH = {"none": "none", "optional": "optional", "required": "signed in"}


def overview() -> str:
    rows = [
        [
            str(phase.manifest.number),
            f"[{phase.manifest.title}](#{phase.manifest.number}-{phase.manifest.title.lower()})",
            phase.manifest.delivers,
            f"{len(phase.tools)} of {len(phase.manifest.tools)} tools",
            ", ".join(f"`{needed}`" for needed in phase.manifest.requires) or "nothing",
        ]
        for phase in all_phases()
    ]
    return table(["Phase", "Title", "What works once it is open", "Delivered", "Requires"], rows)


def detail(phase: Phase) -> str:
    rows = [_row(promise, phase) for promise in phase.manifest.tools]
    listed = table(["Tool", "What it does", "Auth", "Backed by", "Delivered"], rows)
    return f"### {phase.manifest.number} {phase.manifest.title}\n\n`phases/{phase.name}`\n\n{listed}"


def _row(promise: PromisedTool, phase: Phase) -> list[str]:
    backed = f"`{promise.backed_by}`" if "/" in promise.backed_by else promise.backed_by
    delivered = "yes" if promise.name in phase.tools else "not yet"
    return [f"`{promise.name}`", promise.summary, AUTH[promise.auth], backed, delivered]


def test_the_table_is_generated_from_the_phases(update_goldens: bool) -> None:
    made = "\n\n".join([overview(), *map(detail, all_phases())])

    assert is_generated(PAGE, "phases", made, update=update_goldens) == made, "run make goldens"
