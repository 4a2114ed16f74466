"""Connects to a Ray cluster: a running one, or one of this machine alone; quietly and privately."""

import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import app
import inkwear
from app.batch.ray.worker import ClusterError

CODE = {"py_modules": [app, inkwear], "excludes": ["*.*", "!.", "!*.py", "__pycache__"]}
"""The ``runtime_env`` of every process: the Python files of our packages, without the page and its examples."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TQDM_PATCH_PRINT": "0"}
"""Environment variables with which Ray reports nothing to its makers and leaves ``print`` alone."""

ALONE = QUIET | {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Variables for a cluster of this machine alone: it listens on the loopback address only (Ray's default on macOS and
Windows, hence the name), and refuses anybody without a token, including other users of the machine."""

TRIES = 3
"""How often Ray is started before the run gives up."""

SECONDS_BETWEEN_TRIES = 2.0


def check_address(address: str) -> None:
    """Check that something answers at an address; Ray itself would wait for long.

    Raises:
        ClusterError: nothing does, or the address has another form.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")  # around an IPv6 address
    if address == "auto":
        return
    if not host or not port.isdecimal() or "/" in host:
        raise ClusterError(
            f"--ray-address {address}: give HOST:PORT of the cluster's head, or auto. This machine must belong to the "
            "cluster; ray start --address=HOST:PORT makes it one of its machines."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ClusterError(
            f"--ray-address {address}: nobody answers there ({error.strerror or error}). "
            f"Start a cluster on that machine with: ray start --head --port={port}"
        ) from error


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """As a context manager, join a cluster, or start one of this machine alone.

    Raises:
        ClusterError: the cluster cannot be joined or started.
    """
    with ExitStack() as stack:
        variables = QUIET if address else ALONE | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
        stack.enter_context(_environment(variables))
        import ray
        import ray.data

        _keep_quiet()
        _init({"address": address} if address else stack.enter_context(_own_cluster()))
        stack.callback(ray.shutdown)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        yield


@contextmanager
def _own_cluster() -> Iterator[dict[str, Any]]:
    """Yield the arguments of ``ray.init`` for a cluster of this machine, whose sockets and logs vanish with it."""
    folder = "/tmp" if os.name == "posix" else None  # the paths of sockets must be short
    with tempfile.TemporaryDirectory(prefix="inkwear-ray-", dir=folder, ignore_cleanup_errors=True) as name:
        yield {"address": "local", "_temp_dir": name, "include_dashboard": False}


def _init(cluster: Mapping[str, Any]) -> None:
    """Call ``ray.init``, and again where it fails: a busy machine sometimes answers Ray too late."""
    import ray

    for tries_left in reversed(range(TRIES)):
        try:
            with _signals_kept():
                # a copy, in which Ray replaces the packages by what it has uploaded to this cluster
                ray.init(**cluster, runtime_env={**CODE}, log_to_driver=False, configure_logging=False)
            return
        except Exception as error:  # Ray raises any type, plain Exception included
            ray.shutdown()  # or what it has begun disturbs the next ray.init
            if tries_left:
                time.sleep(SECONDS_BETWEEN_TRIES)
                continue
            address = cluster["address"]
            joined = f"--ray-address {address}: this cluster cannot be joined"
            what = "Ray cannot be started here" if address == "local" else joined
            raise ClusterError(f"{what} ({last_line(error)}).") from error


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """As a context manager, set the variables that are not set yet; the processes that Ray starts inherit them."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """As a context manager, restore the command's signal handlers, which Ray replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _keep_quiet() -> None:
    """Keep Ray's log off stderr, its reports of dead machines off stdout, and its threads from connecting again.

    A thread of Ray Data that outlives its run still calls Ray, which would connect again, so that the next run would
    find itself connected already. RAY_ENABLE_AUTO_CONNECT would have to be set before Ray is first imported.
    """
    import ray
    import ray._private.auto_init_hook

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    ray._private.worker._worker_logs_enabled = False  # log_to_driver=False leaves the reports
    ray._private.auto_init_hook.enable_auto_connect = False


def last_line(error: BaseException) -> str:
    """Return the last line of an error of Ray, which is its cause; those above it are a trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
