"""What an alert says: store, what, since when, why, and the command and page that help."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.identity.redaction import redact_secrets
from storefront_mcp.records.alerts import AlertMessage, AlertStatus, Condition
from storefront_mcp.settings.program import command_line

MANUAL: Final = "docs/operators.md"


class ConditionText(Struct, frozen=True, kw_only=True):
    """What is said of one condition."""

    title: str
    command: tuple[str, ...]
    """Words of our own command line that show more; a program of the system's where the first is `$`."""
    page: str
    """Of the console, relative to its root."""

    @property
    def heading(self) -> str:
        """Anchor in the manual, whose section is called as the alert is."""
        return self.title.lower().replace(" ", "-")


TEXTS: Final[Mapping[Condition, ConditionText]] = {
    "checkouts": ConditionText(
        title="A checkout needs a person", command=("checkouts", "--state", "needs_human"), page="/checkouts"
    ),
    "late_checkouts": ConditionText(title="Checkouts are late", command=("checkouts",), page="/checkouts"),
    "shop": ConditionText(title="The shop is down", command=("doctor",), page="/health"),
    "webhooks": ConditionText(title="Webhooks are not signed as they should be", command=("doctor",), page="/health"),
    "order_events": ConditionText(title="A platform was not told of an order", command=("doctor",), page="/checkouts"),
    "scheduled_flips": ConditionText(title="A scheduled flip was not made", command=("phases",), page="/roadmap"),
    "audit": ConditionText(title="The audit is broken", command=("audit", "verify"), page="/audit"),
    "disk": ConditionText(title="The disk is nearly full", command=("$", "df", "-h"), page="/health"),
    "database": ConditionText(title="The database takes no writes", command=("doctor",), page="/health"),
}
PREFIXES: Final[Mapping[AlertStatus, str]] = {
    "raised": "",
    "reminder": "Still: ",
    "resolved": "Over: ",
    "test": "Test: ",
}


class AlertFacts(Struct, frozen=True, kw_only=True):
    """What alerts say of this server."""

    server: str
    """Name of the machine."""
    consoles: Mapping[str, str]
    """URL of each store's console, by the store's id."""
    one_store: bool
    """Whether commands need no `--store`."""
    config: str = ""
    """The file of the settings, for commands; empty where that is not known."""


def alert_subject(message: AlertMessage) -> str:
    """One line: which store, what, and whether it is new, goes on or is over."""
    where = message.store or "server"
    return f"[storefront-mcp] {where}: {PREFIXES[message.status]}{TEXTS[message.condition].title}"


def alert_body(message: AlertMessage, facts: AlertFacts) -> str:
    """All of it as plain text, a fact per line."""
    text, over = TEXTS[message.condition], message.status == "resolved"
    lines = {
        "What": PREFIXES[message.status] + text.title,
        "Store": message.store or "all of this server",
        "Server": facts.server,
        "Since": _moment(message.since),
        "Until" if over else "Now": _moment(message.at),
        "Last reason" if over else "Reason": safe_reason(message.reason),
        "Command": _command(message, facts),
        "Console": _page(message, facts),
        "Manual": f"{MANUAL}#{text.heading}",
    }
    if message.status == "test":
        lines = {"Test": "This is what an alert looks like; nothing is wrong.", **lines}
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)


def alert_payload(message: AlertMessage, facts: AlertFacts) -> bytes:
    """The webhook's JSON. `text` is what chat programs show; the envelope is that of Standard Webhooks."""
    text = TEXTS[message.condition]
    data: dict[str, Any] = {
        "condition": message.condition,
        "store": message.store or None,
        "server": facts.server,
        "title": text.title,
        "since": _moment(message.since),
        "reason": safe_reason(message.reason),
        "command": _command(message, facts),
        "console": _page(message, facts) or None,
        "manual": f"{MANUAL}#{text.heading}",
    }
    whole = {
        "type": f"alert.{message.status}",
        "timestamp": _moment(message.at),
        "data": data,
        "text": f"{alert_subject(message)}\n{alert_body(message, facts)}",
    }
    return msgspec.json.encode(whole)


def safe_reason(reason: str) -> str:
    """A reason on one line, without credentials and e-mail addresses."""
    return " ".join("[e-mail]" if "@" in word else word for word in redact_secrets(reason).split())


def _command(message: AlertMessage, facts: AlertFacts) -> str:
    words = TEXTS[message.condition].command
    if words[0] == "$":
        return " ".join(words[1:])
    store = ("--store", message.store) if message.store and not facts.one_store else ()
    config = ("--config", facts.config) if facts.config else ()
    return command_line(*words, *config, *store)


def _page(message: AlertMessage, facts: AlertFacts) -> str:
    """The console's page of the store; of the server's alerts that of any store."""
    console = facts.consoles.get(message.store) if message.store else next(iter(facts.consoles.values()), None)
    return "" if console is None else console + TEXTS[message.condition].page


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(int(at), dt.UTC).isoformat().replace("+00:00", "Z")
