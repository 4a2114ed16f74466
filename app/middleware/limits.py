"""What a route takes, declared beside its endpoint and enforced by the middleware."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

FORM = ("multipart/form-data",)

PICTURE = (*FORM, "image/", "application/octet-stream", "application/x-www-form-urlencoded")
"""Media types of one picture; the last is what curl says of ``--data-binary`` by default."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class RouteLimits:
    """What one route takes.

    Attributes:
        name: its name in metrics and logs.
        max_bytes: bytes of a request's body; 0 where there is none.
        content_types: accepted media types, or how they begin; empty where any will do.
        slot: what a request counts as while it is answered: ``work``, a ``stream`` that stays open, or nothing.
        in_memory: whether the body is held in memory.
        public: whether it is answered without a password.
        literal: whether nothing in its address may be percent-encoded.
        inline_scripts: whether it answers with a page whose own scripts may run.
    """

    name: str
    max_bytes: int = 0
    content_types: tuple[str, ...] = ()
    slot: Literal["work", "stream"] | None = None
    in_memory: bool = False
    public: bool = False
    literal: bool = False
    inline_scripts: bool = False


UNKNOWN = RouteLimits("other")
"""Stands for the route of a request that has none, or none yet."""


def limits(name: str, **attributes: Any) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint takes, below its route; ``attributes`` are those of ``RouteLimits``."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.route_limits = RouteLimits(name, **attributes)  # type: ignore[attr-defined]
        return endpoint

    return declare
