"""The error that ends a request."""

from collections.abc import Iterable

RETRY_AFTER_A_SECOND = ((b"retry-after", b"1"),)


class HTTPError(Exception):
    """Ends a request with an error.

    Args:
        status: of the response.
        code: the kind of error, for programs.
        message: what was wrong and what to do, for people.
        headers: of the response, besides those that every error has.
    """

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, tuple(headers)
