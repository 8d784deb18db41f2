"""Whether the process is alive."""

from litestar import get, head
from litestar.response import Response

_ALIVE = b'{"status":"ok"}'
_HEADERS = {"cache-control": "no-store", "access-control-allow-origin": "*"}


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def alive() -> Response[bytes]:
    """200 while requests are served."""
    return Response(_ALIVE, media_type="application/json", headers=_HEADERS)


@head("/healthz", sync_to_thread=False, include_in_schema=False)
def alive_head() -> Response[None]:
    """The same without a body."""
    return Response(None, media_type="application/json", headers=_HEADERS)
