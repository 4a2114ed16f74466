"""Adds the security headers to every response, and the request's id."""

import base64
import hashlib
import re

from starlette.types import Message, Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext

CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{inline}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""The page's frame makes functions of text, hence ``unsafe-eval``; scripts within the page are named by digest."""

NO_SCRIPTS_WITHIN = CSP.format(inline="").encode()
"""The policy of every response but the page."""

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

REPLACED = {b"content-security-policy", *dict(SECURITY_HEADERS)}
"""Headers that the application has no say in."""


class SecurityHeadersMiddleware(HTTPMiddleware):
    """Says what a browser may do with a response, whatever the application says of it."""

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        page: list[Message] = []

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                page.clear()
                if request.route.inline_scripts and message["status"] < 400:
                    page.append(message)
                else:
                    await send(_secured(message, request))
            elif not page:
                await send(message)
            else:
                page.append(message)
                if not message.get("more_body", False):
                    await _send_page(page, request, send)

        await self.app(request.scope, receive, send_with_headers)


def _secured(start: Message, request: RequestContext, inline: str = "") -> Message:
    headers = [header for header in start.get("headers", ()) if header[0] not in REPLACED]
    policy = CSP.format(inline=inline).encode() if inline else NO_SCRIPTS_WITHIN
    ours = ((b"content-security-policy", policy), (b"x-request-id", request.id.encode()))
    return {**start, "headers": [*headers, *SECURITY_HEADERS, *ours]}


async def _send_page(page: list[Message], request: RequestContext, send: Send) -> None:
    """Send a page with the digests of its own scripts, so that no other script in it runs."""
    start, *parts = page
    body = b"".join(part.get("body", b"") for part in parts)
    encoding = dict(start["headers"]).get(b"content-encoding", b"")
    await send(_secured(start, request, _digests(body, encoding)))
    await send({"type": "http.response.body", "body": body})


def _digests(body: bytes, encoding: bytes) -> str:
    """Return what a policy says of the scripts within a page."""
    if encoding == b"br":
        import brotli  # comes with Gradio, which packs its page with it

        body = brotli.decompress(body)
    found = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in INLINE_SCRIPT.findall(body))
    return "".join(f" 'sha256-{digest}'" for digest in found)
