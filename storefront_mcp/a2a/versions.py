"""The versions of the protocol that are spoken, and what each calls its operations."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind
from storefront_mcp.agent_protocols.a2a import NEWEST, OLDER

Operation = Literal["send", "stream", "get", "list", "cancel", "subscribe", "push", "extended_card"]


class A2aVersion(Struct, frozen=True, kw_only=True):
    """One version over JSON-RPC."""

    id: str
    """As `A2A-Version` has it."""
    methods: Mapping[str, Operation]
    bare_results: bool
    """Whether results stand bare with a `kind`, and parts and states are written the older way."""
    foreign_contexts: bool
    """Whether a client may open a conversation under an id of its own."""
    extension_header: bytes
    """Where a client names the extensions that it activates."""
    no_extended_card: A2aErrorKind
    """The error for who asks for an extended card."""


V1: Final = A2aVersion(
    id=NEWEST,
    methods={
        "SendMessage": "send",
        "SendStreamingMessage": "stream",
        "GetTask": "get",
        "ListTasks": "list",
        "CancelTask": "cancel",
        "SubscribeToTask": "subscribe",
        "CreateTaskPushNotificationConfig": "push",
        "GetTaskPushNotificationConfig": "push",
        "ListTaskPushNotificationConfigs": "push",
        "DeleteTaskPushNotificationConfig": "push",
        "GetExtendedAgentCard": "extended_card",
    },
    bare_results=False,
    foreign_contexts=False,
    extension_header=b"a2a-extensions",
    no_extended_card=A2aErrorKind.UNSUPPORTED_OPERATION,
)
V03: Final = A2aVersion(
    id=OLDER,
    methods={
        "message/send": "send",
        "message/stream": "stream",
        "tasks/get": "get",
        "tasks/cancel": "cancel",
        "tasks/resubscribe": "subscribe",
        "tasks/pushNotificationConfig/set": "push",
        "tasks/pushNotificationConfig/get": "push",
        "tasks/pushNotificationConfig/list": "push",
        "tasks/pushNotificationConfig/delete": "push",
        "agent/getAuthenticatedExtendedCard": "extended_card",
    },
    bare_results=True,
    foreign_contexts=True,
    extension_header=b"x-a2a-extensions",
    no_extended_card=A2aErrorKind.EXTENDED_AGENT_CARD_NOT_CONFIGURED,
)
VERSIONS: Final = (V1, V03)
"""The newest first."""
VERSION_FIELD: Final = b"a2a-version"
MAX_QUOTED_CHARS: Final = 40


def version_of(sent: str) -> A2aVersion:
    """The version of an `A2A-Version` value; none at all means 0.3 (A2A 1.0 §3.6.2). Raises A2aError.

    A patch number does not count.
    """
    name = sent.strip()
    if not name:
        return V03
    for version in VERSIONS:
        if name == version.id or name.startswith(f"{version.id}."):
            return version
    raise _version_error(f"A2A-Version {name[:MAX_QUOTED_CHARS]!r} is not spoken here")


def method_version(sent: str, method: str) -> A2aVersion:
    """The version that a JSON-RPC request is in: a method with a slash is of 0.3. Raises A2aError."""
    named = version_of(sent)
    if "/" in method:
        return V03
    if method in V1.methods and named is not V1:
        raise _version_error(f"{method} is of version 1.0: send A2A-Version: 1.0 with it")
    return named


def http_version(sent: str) -> A2aVersion:
    """The version that a request of the HTTP+JSON binding is in, which is 1.0. Raises A2aError."""
    named = version_of(sent)
    if named is not V1:
        raise _version_error(f"HTTP+JSON is of version {V1.id}: send A2A-Version: {V1.id} with it")
    return named


def operation_of(version: A2aVersion, method: str) -> Operation:
    """The operation of a JSON-RPC method. Raises A2aError."""
    operation = version.methods.get(method)
    if operation is None:
        raise A2aError(A2aErrorKind.METHOD_NOT_FOUND, f"There is no such method in version {version.id}.")
    return operation


def _version_error(said: str) -> A2aError:
    spoken = " and ".join(version.id for version in VERSIONS)
    return A2aError(A2aErrorKind.VERSION_NOT_SUPPORTED, f"{said}. Spoken are {spoken}; no header means {V03.id}.")
