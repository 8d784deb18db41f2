"""Why somebody at the console is not shown what they asked for."""

from http import HTTPStatus


class NotForYou(Exception):
    """A page that says why not, and what to do: status, title, and one sentence."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.title = title
        self.text = text


class NotSeated(Exception):
    """Nobody is signed in: they are shown the way to the door."""


def foreign() -> NotForYou:
    """A form that did not come from here."""
    text = "Only the console's own forms change anything. Open the page again and look before you press the button."
    return NotForYou(HTTPStatus.FORBIDDEN, "This came from somewhere else", text)


def lacks(scope: str, allows: str) -> NotForYou:
    """Somebody may sit here and may not do this."""
    text = f"Your key does not allow you to {allows}. That takes the scope {scope}."
    return NotForYou(HTTPStatus.FORBIDDEN, "Not with this key", text)


def unknown(what: str) -> NotForYou:
    """Something that is not there."""
    return NotForYou(HTTPStatus.NOT_FOUND, "There is no such thing", what)


def unreadable() -> NotForYou:
    """A form that is broken."""
    return NotForYou(HTTPStatus.BAD_REQUEST, "This form cannot be read", "Open the page again and try once more.")
