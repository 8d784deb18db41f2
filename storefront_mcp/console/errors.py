"""Errors of console requests, and constructors of the common ones."""

from http import HTTPStatus


class ConsoleError(Exception):
    """Shown as a page with an HTTP status, a title and one sentence."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.title = title
        self.text = text


class NotSignedIn(Exception):
    """No valid session: redirected to the sign-in form."""


def foreign_form() -> ConsoleError:
    """403: cross-origin, or without the right CSRF token."""
    text = "Only the console's own forms change anything. Open the page again and look before you press the button."
    return ConsoleError(HTTPStatus.FORBIDDEN, "This came from somewhere else", text)


def missing_scope(scope: str, allows: str) -> ConsoleError:
    """403: signed in, without the scope."""
    text = f"Your key does not allow you to {allows}. That takes the scope {scope}."
    return ConsoleError(HTTPStatus.FORBIDDEN, "Not with this key", text)


def not_found(what: str) -> ConsoleError:
    """404."""
    return ConsoleError(HTTPStatus.NOT_FOUND, "There is no such thing", what)


def unreadable_form() -> ConsoleError:
    """400."""
    return ConsoleError(HTTPStatus.BAD_REQUEST, "This form cannot be read", "Open the page again and try once more.")
