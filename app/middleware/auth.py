"""Lets in people with a name and a password: HTTP's basic authentication (RFC 7617).

``python -m app.middleware.auth NAME >> people`` adds a person to an ``--auth`` file.
"""

import asyncio
import base64
import getpass
import hashlib
import hmac
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from starlette.types import Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import RETRY_AFTER_A_SECOND, HTTPError

ADD_A_PERSON = "python -m app.middleware.auth NAME"

MAX_CHECKS = 4
"""Passwords hashed at once, each of which takes 16 MB and some 40 ms."""

MAX_REMEMBERED = 1_000
"""Headers of which it is remembered that they were right."""

NOBODY = (b"nobody", b"")
"""Salt and hash that an unknown name is held against, so that it costs as much time as a known one."""


class BasicAuth:
    """Names and salted hashes of passwords (scrypt, RFC 7914).

    Args:
        given: ``user:password``, or a file with a line ``user:scrypt$salt$hash`` for each person.

    Raises:
        ValueError: neither.
    """

    def __init__(self, given: str) -> None:
        path = Path(given)
        if path.is_file():
            lines = path.read_text("utf-8").splitlines()
        else:
            user, _, password = given.partition(":")
            if not (user and password):
                raise ValueError(f"--auth takes user:password, or a file of lines that `{ADD_A_PERSON}` prints.")
            lines = [hashed(user, password)]
        self.users = dict(_parsed(line, path) for line in lines if line.strip())
        if not self.users:
            raise ValueError(f"--auth {given}: the file names nobody. Add a line: {ADD_A_PERSON}")
        self._secret = secrets.token_bytes(16)
        self._remembered: set[bytes] = set()
        self._checking = 0

    async def check(self, header: bytes) -> None:
        """Let in a person with the right name and password.

        Raises:
            HTTPError: 401, or 429 while too many others are trying.
        """
        mark = hmac.digest(self._secret, header, "sha256")
        if mark in self._remembered:
            return
        if not header:
            raise _unauthorized()
        if self._checking >= MAX_CHECKS:
            message = "Too many passwords are being checked; try again in a second."
            raise HTTPError(429, "TooManyRequests", message, RETRY_AFTER_A_SECOND)
        self._checking += 1
        try:
            right = await asyncio.to_thread(self._is_right, header)
        finally:
            self._checking -= 1
        if not right:
            raise _unauthorized()
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered.add(mark)

    def _is_right(self, header: bytes) -> bool:
        scheme, _, encoded = header.partition(b" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        salt, digest = self.users.get(user, NOBODY)
        right = hmac.compare_digest(_scrypt(password, salt), digest)
        return scheme.lower() == b"basic" and right


def _parsed(line: str, path: Path) -> tuple[str, tuple[bytes, bytes]]:
    user, _, rest = line.strip().partition(":")
    try:
        scheme, salt, digest = rest.split("$")
        if scheme != "scrypt" or not user:
            raise ValueError
        return user, (bytes.fromhex(salt), bytes.fromhex(digest))
    except ValueError:
        raise ValueError(f"--auth {path}: a line is not user:scrypt$salt$hash; make it: {ADD_A_PERSON}") from None


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1)


def hashed(user: str, password: str) -> str:
    """Return the line of an ``--auth`` file for a person.

    Raises:
        ValueError: a name that cannot be one.
    """
    if not user or ":" in user or user != user.strip():
        raise ValueError(f"{user!r} cannot be a name: no colon, no space around it.")
    salt = secrets.token_bytes(16)
    return f"{user}:scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def _unauthorized() -> HTTPError:
    challenge = [(b"www-authenticate", b'Basic realm="Inkwear", charset="UTF-8"')]
    return HTTPError(401, "Unauthorized", "A name and a password are needed here.", challenge)


@dataclass(eq=False)
class AuthMiddleware(HTTPMiddleware):
    """Asks for a name and a password everywhere but at public addresses."""

    basic_auth: BasicAuth
    public: frozenset[str]

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        if request.scope["path"] not in self.public:
            await self.basic_auth.check(request.headers.get(b"authorization", b""))
        await self.app(request.scope, receive, send)


def main() -> None:
    """Print the line of an ``--auth`` file for the person named."""
    usage = "Usage: python -m app.middleware.auth NAME >> people"
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(usage)
        return
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(usage)
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    print(hashed(sys.argv[1], password))


if __name__ == "__main__":
    main()
