"""The extension MCP Apps (SEP-1865): who is shown widgets, and how tools and resources name them.

Only clients that declare the extension see any of it, so that it costs no other client a token. In the handshake era
the declaration comes with `initialize` alone; the id of the session that such a client is given says so from then on,
and nothing is kept for it.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS
from storefront_mcp.mcp.versions import APPS_VERSION
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import APPS_EXTENSION, Widget

WIDGET_TYPE: Final = "text/html;profile=mcp-app"
"""Media type of a widget; a client that shows widgets has it in its `mimeTypes`."""
SESSION_HEADER: Final = b"mcp-session-id"
SESSION_PREFIX: Final = "apps-"
ADDRESS_PATTERN: Final = re.compile(r"ui://([a-z0-9-]+)/([a-z]+)(?:\.[0-9a-f]{1,64})?\.html")
DIGEST_CHARS: Final = 8
"""Of the digest in a widget's address: hosts keep a document as long as its address is the same."""


class _AppsSettings(Struct, frozen=True):
    mime_types: list[str] = msgspec.field(default_factory=list, name="mimeTypes")


class _Extensions(Struct, frozen=True):
    apps: _AppsSettings | None = msgspec.field(default=None, name=APPS_EXTENSION)


class _Capabilities(Struct, frozen=True):
    extensions: _Extensions = _Extensions()


_CAPABILITIES: Final = msgspec.json.Decoder(_Capabilities)


def declares_apps(capabilities: Raw | UnsetType) -> bool:
    """Whether ClientCapabilities have the extension with the media type of widgets; False for what is malformed."""
    if capabilities is UNSET:
        return False
    try:
        apps = _CAPABILITIES.decode(capabilities).extensions.apps
    except JSON_DECODE_ERRORS:
        return False
    return apps is not None and WIDGET_TYPE in apps.mime_types


def new_session_id() -> str:
    """The id of a session; it stands for the declaration that opened it (transports, session management)."""
    return SESSION_PREFIX + secrets.token_urlsafe(24)


def session_declares_apps(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a request of the handshake era comes in a session whose client declared the extension."""
    return any(key == SESSION_HEADER and value.startswith(SESSION_PREFIX.encode()) for key, value in headers)


class OpenWidgets:
    """The widgets of one store under one roadmap, as lists and `resources/read` have them; each is rendered once."""

    def __init__(self, store: Store, roadmap: Roadmap, widgets: Sequence[Widget]) -> None:
        self._store = store
        self._widgets = {widget.name: widget for widget in widgets if widget.is_open(roadmap)}
        self._roadmap = roadmap

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._widgets)

    @cached_property
    def documents(self) -> Mapping[str, str]:
        """HTML by the name of the widget."""
        return {name: one.render(self._store, self._roadmap, APPS_VERSION) for name, one in self._widgets.items()}

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """URIs by the name of the widget; another document has another one."""
        return {
            name: f"ui://{self._store.id}/{name}.{hashlib.sha256(document.encode()).hexdigest()[:DIGEST_CHARS]}.html"
            for name, document in self.documents.items()
        }

    @cached_property
    def tool_meta(self) -> Mapping[str, Mapping[str, Any]]:
        """`_meta` by the name of the tool.

        Beside the extension's own member stand the flat key that it had before, and the names that ChatGPT gives the
        same things; a host ignores what it does not know.
        """
        shown = {tool: name for tool, name in self._roadmap.widgets.items() if name in self._widgets}
        return {
            tool: {
                "ui": {"resourceUri": self.addresses[name], "visibility": ["model", "app"]},
                "ui/resourceUri": self.addresses[name],
                "openai/outputTemplate": self.addresses[name],
                "openai/widgetAccessible": True,
                "openai/toolInvocation/invoking": self._widgets[name].invoking,
                "openai/toolInvocation/invoked": self._widgets[name].title,
            }
            for tool, name in shown.items()
        }

    @cached_property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        """The widgets as `resources/list` has them."""
        return [
            {
                "uri": self.addresses[name],
                "name": f"{name}_widget",
                "title": widget.title,
                "description": widget.description,
                "mimeType": WIDGET_TYPE,
                "_meta": self._resource_meta(widget),
            }
            for name, widget in self._widgets.items()
        ]

    def contents(self, uri: str) -> Mapping[str, Any] | None:
        """The widget at a URI, also at one that it had before, as `resources/read` has it; None where there is none."""
        found = ADDRESS_PATTERN.fullmatch(uri)
        widget = None if found is None or found[1] != self._store.id else self._widgets.get(found[2])
        if widget is None:
            return None
        document = self.documents[widget.name]
        return {"uri": uri, "mimeType": WIDGET_TYPE, "text": document, "_meta": self._resource_meta(widget)}

    def _resource_meta(self, widget: Widget) -> Mapping[str, Any]:
        """A widget reaches nothing but its host; the one page that it has the host open is on the store's origin."""
        pages = [self._store.origin]
        return {
            "ui": {
                "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []},
                "permissions": {},
                "prefersBorder": True,
                "linkTrustedDomains": pages,
            },
            "openai/widgetCSP": {
                "connect_domains": [],
                "resource_domains": [],
                "frame_domains": [],
                "redirect_domains": pages,
            },
            "openai/widgetPrefersBorder": True,
            "openai/widgetDescription": widget.description,
        }
