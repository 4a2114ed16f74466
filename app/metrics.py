"""What the server counts while it runs: requests, their time, and what is in work now."""

import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the classes of time, in seconds."""


@dataclass
class Times:
    """How many requests took how long; ``counts`` has one class more than ``BOUNDS``, for the slowest."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Metrics:
    """Plain numbers, which the one thread of the event loop changes; whoever publishes them only reads.

    Attributes:
        requests: by the route's name and the status answered; 499 where the client left before.
        times: by the route's name.
        working: requests in work or waiting for it.
        streams: connections on which a page or a client listens.
        held: bytes of bodies in memory.
    """

    started: float = field(default_factory=time.time)
    requests: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    times: dict[str, Times] = field(default_factory=lambda: defaultdict(Times))
    working: int = 0
    streams: int = 0
    held: int = 0

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self.requests[route, status] += 1
        self.times[route].add(seconds)
