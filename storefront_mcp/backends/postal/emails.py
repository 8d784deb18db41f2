"""The form of e-mail addresses, which some shops do not look at."""

import re
from typing import Final

EMAIL_PATTERN: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def has_email_form(text: str) -> bool:
    """Whether a text may be an e-mail address.

    >>> has_email_form("ada@example.com"), has_email_form("ada at home"), has_email_form("ada@localhost")
    (True, False, False)
    """
    return EMAIL_PATTERN.fullmatch(text) is not None
