"""What people can see of a text: control and direction characters go, joiners stay where they spell something."""

import re
from typing import Final

INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls, apart from tab and line ends
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"  # zero width, direction overrides
    "\ufe00-\ufe0e\ufff0-\ufffb\ufffe\uffff"  # variation selectors, annotation marks, non-characters
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates, private use
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # prepended format marks
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of hieroglyphs, shorthand and music
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"  # tags, more selectors, more private use
)
"""Characters that people do not see but a model reads, or that make a text look different."""

_JOINED_SCRIPTS = (
    "\u0606-\u074f\u0750-\u077f\u07ca-\u07fa\u0840-\u085f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc"  # Arabic and alike
    "\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1820-\u18aa"  # India's, Myanmar, Khmer, Mongolian
)
_PICTURES = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
STRAY_JOINER: Final = re.compile(f"(?<![{_JOINED_SCRIPTS}])(?:\u200c|(?<![{_PICTURES}])\u200d|\u200d(?![{_PICTURES}]))")
"""A zero-width joiner or non-joiner that spells nothing: it follows no letter of a script that needs it (Unicode
Standard Annex #31, §2.3), and joins no emoji."""

LINE_END: Final = re.compile("\r\n?|[\x85\u2028\u2029]")


def visible_text(text: str) -> str:
    r"""A text without invisible and control characters; line ends become `\n`.

    >>> visible_text("pay\u202e\u200b now")
    'pay now'
    """
    if text.isascii() and text.isprintable():
        return text
    return STRAY_JOINER.sub("", INVISIBLE.sub("", LINE_END.sub("\n", text)))


def visible_line(text: str) -> str:
    r"""A text as one line, with single spaces.

    >>> visible_line(" Ada\u202e\r\nBcc: ")
    'Ada Bcc:'
    """
    return " ".join(visible_text(text).split())
