"""Answers as JSON, in which products that were told before are not encoded anew."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.ucp.catalog_shapes import SearchAnswerPage

PRODUCTS: Final = b'"products":['
KEPT_TEXTS: Final = 2_000
_ENCODER: Final = msgspec.json.Encoder()


class EncodedAnswer(Struct, frozen=True):
    """One JSON object without line breaks, in which a list of products may stand."""

    head: bytes
    products: Sequence[bytes] = ()
    """Each as JSON."""
    tail: bytes = b""

    def body(self) -> bytes:
        """The object."""
        return b"".join((self.head, b",".join(self.products), self.tail))

    def text(self) -> bytes:
        """The object as it stands inside a JSON string."""
        if not self.products:
            return _escape(self.head) + _escape(self.tail)
        products = b",".join(map(_escape_known, self.products))
        return b"".join((_escape_known(self.head), products, _escape(self.tail)))


def encode_answer(answer: Struct | SearchAnswerPage) -> EncodedAnswer:
    """The answer of an operation."""
    if type(answer) is not SearchAnswerPage:
        return EncodedAnswer(_ENCODER.encode(answer))
    head, start, tail = _ENCODER.encode(answer.answer).partition(PRODUCTS)
    return EncodedAnswer(head + start, answer.products, tail)


def _escape(part: bytes) -> bytes:
    # The encoder escapes fastest, but only ASCII; JSON without line breaks needs these two escapes alone.
    if part.isascii():
        return _ENCODER.encode(part.decode("ascii"))[1:-1]
    return part.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


_escape_known: Final = lru_cache(maxsize=KEPT_TEXTS)(_escape)
"""For bytes that come again, whose hash is known to them."""
