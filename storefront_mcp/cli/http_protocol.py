"""Choice of uvicorn's HTTP protocol class: ours for tested versions of uvicorn, else uvicorn's own."""

import functools
from typing import Any, Final

import uvicorn
from uvicorn.importer import import_from_string

TESTED_UVICORN: Final = "0.54"
"""Minor version whose private parts our class uses; `docs/dependencies.md` lists them."""


def is_tested_uvicorn(version: str) -> bool:
    """Whether a version of uvicorn has the tested minor version."""
    return version.split(".")[:2] == TESTED_UVICORN.split(".")


def http_protocol(version: str = uvicorn.__version__) -> str:
    """The `http` option of uvicorn: the import string of our class, or the name of one of its own."""
    return (
        "storefront_mcp.uvicorn_protocol.protocol:BoundedHttpToolsProtocol"
        if is_tested_uvicorn(version)
        else "httptools"
    )


def untested_uvicorn_notice(version: str = uvicorn.__version__) -> str | None:
    """The start-up notice where uvicorn's own class is used, one line; else None."""
    if is_tested_uvicorn(version):
        return None
    return f"uvicorn {version} was not tested, only {TESTED_UVICORN}: its own HTTP protocol is used, which is slower."


def timed_http_protocol(write_seconds: float) -> Any:  # noqa: ANN401 -- a name or a class, as uvicorn takes it
    """The protocol class with its write deadline, as uvicorn's `http` option; uvicorn's own has no deadline."""
    name = http_protocol()
    return functools.partial(import_from_string(name), write_seconds=write_seconds) if ":" in name else name
