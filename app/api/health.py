"""``/healthz``, ``/readyz`` and ``/metrics``: endpoints for monitoring."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.api.deps import AppState, AppStateDep
from app.api.executors import HEAVY, run_in
from app.gradio.uploads import stored_bytes
from app.metrics import Metrics
from app.middleware.limits import limits
from inkwear.errors import DeviceError, ModelFileError
from inkwear.onnx.session import Device

router = APIRouter(tags=["watch"])

MAX_OPENING_SECONDS = 5.0
"""Seconds that ``/readyz`` waits for a model that is being opened."""


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
@limits("health", public=True)
async def healthz() -> dict[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"description": "not yet, or no longer; the message gives the reason"}})
@limits("health", public=True)
async def readyz(state: AppStateDep) -> JSONResponse:
    """Let the default model read its reference picture; ready where it gives the known answer."""
    try:
        async with asyncio.timeout(MAX_OPENING_SECONDS):
            ready = await run_in(HEAVY, lambda: _self_test(state))
    except TimeoutError:
        return _not_ready("NotYet", "The default model is being opened, or the server is busy.")
    except (DeviceError, ModelFileError, ValueError) as error:
        why = "; ".join(state.catalog.refused.values()) if not state.catalog.entries else ""
        return _not_ready(type(error).__name__, f"{error} {why}".strip())
    return JSONResponse({"status": "ready"} | ready)


def _self_test(state: AppState) -> dict[str, str]:
    entry, classifier = state.catalog.choose(None, state.default_device)
    classifier.self_test()
    return {"model": entry.name, "device": classifier.runtime.device}


def _not_ready(code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=503, headers={"Retry-After": "5"})


@router.get("/metrics", response_class=Response)
@limits("metrics")
def metrics(request: Request) -> Response:
    """Return everything that is counted, in Prometheus' text format."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def publish(metrics: Metrics, state: AppState) -> None:
    """Add to ``/metrics`` what is read at each scrape: waiting work, uploads, models and where they run."""
    metrics.publish("inkwear_tasks_waiting", "Pictures that wait for a thread.", HEAVY._work_queue.qsize)
    metrics.publish("inkwear_cache_bytes", "Bytes of uploads to Gradio, on the disk.", stored_bytes)
    metrics.publish("inkwear_models", "Models that can be used.", lambda: len(state.catalog.snapshot.entries))
    metrics.publish(
        "inkwear_models_refused", "Files that cannot be used.", lambda: len(state.catalog.snapshot.refusals)
    )
    metrics.registry.register(_OpenModels(state))


class _OpenModels(Collector):
    """Collects the open models, each with its file's SHA-256 and the device it really runs on."""

    def __init__(self, state: AppState) -> None:
        self.state = state

    def collect(self) -> Iterator[Metric]:
        labels = ("model", "digest", "asked", "device", "provider", "obstacle")
        info = GaugeMetricFamily(
            "inkwear_model_info", "Open models: the file's SHA-256, and the real device.", labels=labels
        )
        for entry in self.state.catalog.snapshot.entries.values():
            for asked in entry.opened_on:
                with suppress(DeviceError, ModelFileError, ValueError):
                    info.add_metric(self._labels(entry.name, asked), 1)
        yield info

    def _labels(self, name: str, asked: Device) -> tuple[str, ...]:
        classifier = self.state.catalog.classifier(name, asked)
        runtime = classifier.runtime
        obstacle = runtime.fallback_reason.code if runtime.fallback_reason else ""
        return name, classifier.digest, asked, runtime.device, runtime.provider, obstacle
