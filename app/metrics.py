"""What the server counts while it runs: requests, their time, and what is in work now."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram of request times, in seconds."""


class Metrics:
    """The metrics of one application, in a registry of its own.

    Limits depend on ``taken`` and ``held``: plain numbers, changed by the event loop's one thread.

    Attributes:
        registry: what ``/metrics`` publishes.
        taken: slots of requests in ``work`` or waiting for it, and of each ``stream`` to which somebody listens.
        held: bytes of request bodies in memory.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # a second series for each counter, which tells nothing
        self.registry = CollectorRegistry()
        self.taken = {"work": 0, "stream": 0}
        self.held = 0
        self._requests = Counter(
            "inkwear_requests", "Requests by route and outcome.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "inkwear_request_seconds", "How long requests took.", ("route",), buckets=BUCKETS, registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        self.publish("inkwear_requests_in_work", "Requests in work or waiting for it.", lambda: self.taken["work"])
        self.publish("inkwear_streams_open", "Gradio's event streams with a listener.", lambda: self.taken["stream"])
        self.publish("inkwear_bodies_bytes", "Bytes of request bodies in memory.", lambda: self.held)

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended.

        Args:
            route: the route's name.
            status: the HTTP status of the response; 499 where the client left before it.
            seconds: time from the request's first byte to its end.
        """
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def publish(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Publish a number that is read at each scrape.

        Args:
            name: the metric's name.
            description: one sentence for dashboards.
            read: gives the number.
        """
        Gauge(name, description, registry=self.registry).set_function(read)
