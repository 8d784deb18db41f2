"""HTTP messages in the form that the signature library reads."""

from collections.abc import Sequence

from msgspec import Struct


class FieldLines:
    """Header lines in order; names may repeat."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._headers = headers

    def items(self) -> Sequence[tuple[str, str]]:
        """Decoded names and values."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers]


class SignedRequest(Struct, frozen=True):
    """A request as its signature sees it."""

    method: str
    url: str
    """Absolute, as the client sent path and query."""
    headers: FieldLines


class SignedAnswer(Struct, frozen=True):
    """An answer that is being signed; its headers get the fields of the signature."""

    status_code: int
    headers: dict[str, str]
