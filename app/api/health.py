"""``/healthz``, ``/readyz`` and ``/metrics``: for whoever watches the server."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.api.deps import AppState, AppStateDep
from app.api.executors import HEAVY, run_in
from app.gradio.uploads import stored_bytes
from app.metrics import BOUNDS, Metrics
from app.middleware.limits import limits
from inkwear.errors import DeviceError, ModelFileError

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

router = APIRouter(tags=["watch"])

SECONDS_TO_OPEN = 5.0
"""How long ``/readyz`` waits for a model that is being opened."""


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
@limits("health", public=True)
async def healthz() -> dict[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"description": "not yet, or no more; the reason is said"}})
@limits("health", public=True)
async def readyz(state: AppStateDep) -> JSONResponse:
    """Let the default model read the picture whose answer is known, and say whether it gave that answer."""
    try:
        async with asyncio.timeout(SECONDS_TO_OPEN):
            known = await run_in(HEAVY, lambda: _ask_what_is_known(state))
    except TimeoutError:
        return _not_ready("NotYet", "The default model is being opened, or the server is busy.")
    except (DeviceError, ModelFileError, ValueError) as error:
        why = "; ".join(state.catalog.refused.values()) if not state.catalog.entries else ""
        return _not_ready(type(error).__name__, f"{error} {why}".strip())
    return JSONResponse({"status": "ready"} | known)


def _ask_what_is_known(state: AppState) -> dict[str, str]:
    entry, classifier = state.catalog.choose(None, state.default_device)
    classifier.self_test()
    return {"model": entry.name, "device": classifier.runtime.device}


def _not_ready(code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=503, headers={"Retry-After": "5"})


@router.get("/metrics", response_class=Response)
@limits("metrics")
def metrics(request: Request) -> Response:
    """Everything that is counted, in the text format of Prometheus."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # when the first one asks

    state = request.app.state
    return Response(generate_latest(_registry(state.inkwear, state.metrics)), media_type=CONTENT_TYPE_LATEST)


def _registry(state: AppState, metrics: Metrics) -> "CollectorRegistry":
    """A registry of our own, whose one collector reads what is counted elsewhere."""
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(_Collector(state, metrics))
    return registry


class _Collector:
    def __init__(self, state: AppState, metrics: Metrics) -> None:
        self.state, self.metrics = state, metrics

    def collect(self) -> "Iterator[Metric]":
        yield from _of_requests(self.metrics)
        yield from _of_the_process(self.metrics)
        yield from _of_models(self.state)


def _of_requests(metrics: Metrics) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    requests = CounterMetricFamily("inkwear_requests", "Requests by route and outcome.", labels=("route", "status"))
    for (route, status), count in [*metrics.requests.items()]:
        requests.add_metric((route, str(status)), count)
    yield requests
    seconds = HistogramMetricFamily("inkwear_request_seconds", "How long requests took.", labels=("route",))
    for route, times in [*metrics.times.items()]:
        seconds.add_metric((route,), [*_classes(times.counts)], times.total)
    yield seconds


def _classes(counts: list[int]) -> Iterator[tuple[str, float]]:
    """How many took no longer than each bound."""
    total = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
        total += count
        yield bound, total


def _of_the_process(metrics: Metrics) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    gauges: dict[str, tuple[str, float | None]] = {
        "inkwear_requests_in_work": ("Requests in work or waiting for it.", metrics.working),
        "inkwear_streams_open": ("Event streams of Gradio on which somebody listens.", metrics.streams),
        "inkwear_tasks_waiting": ("Pictures that wait for a thread.", HEAVY._work_queue.qsize()),
        "inkwear_bodies_bytes": ("Bytes of requests held in memory.", metrics.held),
        "inkwear_cache_bytes": ("Bytes of uploads to Gradio, on the disk.", stored_bytes()),
        "process_resident_memory_bytes": ("Resident memory.", resident_bytes()),
        "process_open_fds": ("Open file descriptors.", _open_descriptors()),
        "process_start_time_seconds": ("Start, in seconds since 1970.", metrics.started),
    }
    for name, (meaning, value) in gauges.items():
        if value is not None:
            yield GaugeMetricFamily(name, meaning, value=value)


def resident_bytes() -> int | None:
    """Resident memory of this process; None where the system does not tell."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * _page_size()
    return None


@cache
def _page_size() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def _open_descriptors() -> int | None:
    with suppress(OSError):
        return len([*Path("/proc/self/fd").iterdir()])
    return None


def _of_models(state: AppState) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    shelf = state.catalog.shelf
    labels = ("model", "digest", "asked", "device", "provider", "obstacle")
    info = GaugeMetricFamily(
        "inkwear_model_info", "Open models: the file's SHA-256, and the real device.", labels=labels
    )
    for entry in shelf.entries.values():
        for asked in entry.opened_on:
            with suppress(DeviceError, ModelFileError, ValueError):
                info.add_metric(_info(state, entry.name, asked), 1)
    yield info
    yield GaugeMetricFamily("inkwear_models", "Models that can be used.", value=len(shelf.entries))
    yield GaugeMetricFamily("inkwear_models_refused", "Files that cannot be used.", value=len(shelf.refusals))


def _info(state: AppState, name: str, asked: Any) -> tuple[str, ...]:
    classifier = state.catalog.classifier(name, asked)
    runtime = classifier.runtime
    obstacle = runtime.fallback_reason.code if runtime.fallback_reason else ""
    return name, classifier.digest, asked, runtime.device, runtime.provider, obstacle
