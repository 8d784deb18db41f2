"""Reading of what clients send: bounded, in both versions, into the shapes of `model`."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Struct

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind, invalid_params
from storefront_mcp.a2a.model import DATA_TYPE, AgentMessage, MessagePart, SendOptions, SendRequest
from storefront_mcp.a2a.versions import A2aVersion
from storefront_mcp.agent_protocols.a2a import MODES

R = TypeVar("R", bound=Struct)

MAX_BODY_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 16
MAX_DEPTH: Final = 24
"""Objects and lists within each other."""
MAX_ID_CHARS: Final = 200
"""Of ids that a client makes."""
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
FREE_MEMBERS: Final = frozenset({"data", "metadata"})
"""Members whose names are not the protocol's."""
SNAKE_STEP: Final = re.compile(r"_([a-z0-9])")
OLDER_ROLES: Final = {"user": "ROLE_USER", "agent": "ROLE_AGENT"}


def decode_body(body: bytes) -> Any:  # noqa: ANN401 -- any JSON
    """Decoded JSON of a bounded size and depth. Raises A2aError."""
    if len(body) > MAX_BODY_BYTES:
        raise A2aError(A2aErrorKind.INVALID_REQUEST, f"A request has at most {MAX_BODY_BYTES} bytes.")
    try:
        decoded = msgspec.json.decode(body)
    except UNREADABLE:
        raise A2aError(A2aErrorKind.PARSE_ERROR, "The body is no JSON, or is nested too deeply.") from None
    if _is_deeper(decoded, MAX_DEPTH):
        raise A2aError(A2aErrorKind.PARSE_ERROR, f"The body is nested deeper than {MAX_DEPTH} levels.")
    return decoded


def read_send(params: Any, version: A2aVersion) -> SendRequest:  # noqa: ANN401 -- any JSON
    """The parameters of SendMessage. Raises A2aError."""
    if version.bare_results and isinstance(params, dict):
        params = _send_of_older(params)
    request = read_params(params, SendRequest)
    check_message(request.message)
    return request


def read_params(params: Any, shape: type[R]) -> R:  # noqa: ANN401 -- any JSON
    """Parameters of any other operation; names in snake case are taken, too. Raises A2aError."""
    if not isinstance(params, dict):
        raise invalid_params("params: wanted an object.")
    try:
        return msgspec.convert(_camel_members(params), shape)
    except msgspec.ValidationError as error:
        raise invalid_params(f"params: {_json_words(str(error))}.") from None


def check_message(message: AgentMessage) -> None:
    """Whether it is a message that a client may send to this agent. Raises A2aError."""
    if message.role != "ROLE_USER":
        raise invalid_params("message.role: a client speaks as the user.")
    if not 0 < len(message.message_id) <= MAX_ID_CHARS:
        raise invalid_params(f"message.messageId: wanted 1 to {MAX_ID_CHARS} characters.")
    for name, sent in (("contextId", message.context_id), ("taskId", message.task_id)):
        if len(sent) > MAX_ID_CHARS:
            raise invalid_params(f"message.{name}: is not an id of this agent.")
    if not 0 < len(message.parts) <= MAX_PARTS:
        raise invalid_params(f"message.parts: wanted 1 to {MAX_PARTS} parts.")
    for place, part in enumerate(message.parts):
        _check_part(part, f"message.parts[{place}]")


def check_modes(options: SendOptions) -> frozenset[str]:
    """The media types that the client takes, of those that the agent gives. Raises A2aError."""
    wanted = options.accepted_output_modes
    if not wanted:
        return frozenset(MODES)
    taken = frozenset(mode for mode in MODES if any(_covers(pattern, mode) for pattern in wanted[:MAX_PARTS]))
    if not taken:
        raise A2aError(A2aErrorKind.CONTENT_TYPE_NOT_SUPPORTED, f"Answers come as {' and '.join(MODES)} only.")
    return taken


def _covers(pattern: str, mode: str) -> bool:
    bare = pattern.partition(";")[0].strip().lower()
    return bare in {mode, "*/*", f"{mode.partition('/')[0]}/*"}


def _check_part(part: MessagePart, at: str) -> None:
    kinds = [name for name in ("text", "data", "url", "raw") if getattr(part, name) is not UNSET]
    if len(kinds) != 1:
        raise invalid_params(f"{at}: wanted exactly one of text, data, url and raw.")
    mode = part.media_type.partition(";")[0].strip().lower()
    (kind,) = kinds
    taken = {"text": mode == "" or mode.startswith("text/"), "data": mode in {"", DATA_TYPE} or mode.endswith("+json")}
    if not taken.get(kind, False):
        message = f"{at}: this agent takes text and JSON data, neither files nor links to files."
        raise A2aError(A2aErrorKind.CONTENT_TYPE_NOT_SUPPORTED, message)


def _is_deeper(value: Any, most: int) -> bool:  # noqa: ANN401 -- any JSON
    level = [value]
    for _ in range(most + 1):
        level = [
            member
            for one in level
            if isinstance(one, list | dict)
            for member in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _camel_members(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    """With the protocol's names in camel case, which the specification lets senders write in snake case, too."""
    if isinstance(value, list):
        return [_camel_members(member) for member in value]
    if not isinstance(value, dict):
        return value
    named = {SNAKE_STEP.sub(lambda found: found[1].upper(), name): member for name, member in value.items()}
    return {
        name: member if name in FREE_MEMBERS else _camel_members(member)
        for name, member in named.items()
        # In ProtoJSON null is the default.
        if member is not None or name in FREE_MEMBERS
    }


def _json_words(complaint: str) -> str:
    """A decoder's message in JSON's terms."""
    words = {"`str`": "a string", "`int`": "an integer", "`bool`": "a boolean", "`array`": "a list", "$.": ""}
    for ours, theirs in words.items():
        complaint = complaint.replace(ours, theirs)
    return complaint


# Version 0.3 ---------------------------------------------------------------------------------------------------------


def _send_of_older(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `message/send` as those of SendMessage."""
    newer = dict(params)
    message, options = newer.get("message"), newer.get("configuration")
    if isinstance(message, dict):
        newer["message"] = _message_of_older(message)
    if isinstance(options, dict):
        changed = dict(options)
        changed["taskPushNotificationConfig"] = changed.pop("pushNotificationConfig", None)
        changed["returnImmediately"] = changed.pop("blocking", True) is False
        newer["configuration"] = changed
    return newer


def _message_of_older(message: Mapping[str, Any]) -> dict[str, Any]:
    newer = dict(message)
    role, parts = newer.get("role"), newer.get("parts")
    newer["role"] = OLDER_ROLES.get(role, role) if isinstance(role, str) else role
    if isinstance(parts, list):
        newer["parts"] = [_part_of_older(part) for part in parts]
    return newer


def _part_of_older(part: Any) -> Any:  # noqa: ANN401 -- any JSON
    """A part with a `kind`, which some write as `type`; one without is taken for the newer shape."""
    if not isinstance(part, dict):
        return part
    kind = part.get("kind", part.get("type"))
    if kind == "text":
        return {"text": part.get("text", 0)}
    if kind == "data":
        return {"data": part["data"]} if isinstance(part.get("data"), dict) else {}
    if kind == "file":
        return {"url": ""}
    return {name: member for name, member in part.items() if name not in {"kind", "type"}}
