"""Why a call did not come as far as its tool.

CallError
├── UnknownTool
├── NotOpenYet
├── ArgumentsRefused
└── CallFailed          a fault of ours; what happened is in the log only
"""

from storefront_mcp.roadmap.roadmap import Phase


class CallError(Exception):
    """A call that did not run. `str(error)` is for the agent."""


class UnknownTool(CallError):
    """A name that no phase promises."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown tool: {name[:64]}")


class NotOpenYet(CallError):
    """A promised tool whose phase is closed."""

    def __init__(self, tool: str, phase: Phase) -> None:
        state = {
            "planned": "is planned and not open yet",
            "paused": "is paused by the shop for now",
            "active": "is open, but this tool is not delivered yet",
            "retired": "is retired: the shop no longer offers it",
        }[phase.status]
        super().__init__(f"{tool} belongs to the phase {phase.name} ({phase.manifest.title}), which {state}.")


class ArgumentsRefused(CallError):
    """Arguments that do not fit: the sentence names the field, what came and what is wanted."""


class CallFailed(CallError):
    """Something broke in here."""

    def __init__(self) -> None:
        super().__init__("This call failed on our side. Nothing more is known here; the shop's operator can see why.")
