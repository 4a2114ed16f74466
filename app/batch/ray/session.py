"""To a cluster of Ray and back: one that runs already, or one of this machine alone; quiet and private."""

import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.batch.ray.worker import ClusterError

ROOT = Path(__file__).parents[3]
"""Where ``app`` and ``exports`` lie."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TQDM_PATCH_PRINT": "0"}
"""Environment variables: nothing is reported to Ray's makers, print stays Python's."""

ALONE = QUIET | {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""For a cluster of this machine alone: it listens on the loopback address only (Ray's default on macOS and Windows, as
the name says), and turns away whoever has no token, other users of the machine included."""

TRIES = 3
"""How often Ray is asked to begin before it counts as one that cannot."""

SECONDS_BETWEEN_TRIES = 2.0


def check_address(address: str) -> None:
    """See whether somebody answers at an address; Ray itself would wait for long.

    Raises:
        ClusterError: nobody does, or it is not an address of the kind that is needed.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")  # of IPv6
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
    """Join a cluster, or start one of this machine alone; leave or end it afterwards.

    Raises:
        ClusterError: there is no such cluster.
    """
    with ExitStack() as stack:
        variables = QUIET if address else ALONE | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
        stack.enter_context(_environment(variables))
        import ray
        import ray.data

        _hush()
        _start_none_by_accident()
        _init(Path(stack.enter_context(_folder())), address)
        stack.callback(ray.shutdown)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        yield


def _init(folder: Path, address: str | None) -> None:
    """Call ``ray.init``, and again where it fails: a machine that is busy answers Ray too late now and then."""
    import ray

    where = {"address": address} if address else {"address": "local", "_temp_dir": str(folder)}
    what = {} if address else {"include_dashboard": False}
    code = {"py_modules": _code(folder / "code")}
    for tries_left in reversed(range(TRIES)):
        try:
            with _signals_kept():
                ray.init(**where, **what, runtime_env=code, log_to_driver=False, configure_logging=False)
            return
        except Exception as error:  # Ray raises whatever the obstacle suggests, plain Exception included
            ray.shutdown()  # of what it had begun; the next ray.init would stumble over it
            if tries_left:
                time.sleep(SECONDS_BETWEEN_TRIES)
                continue
            asked = (
                f"--ray-address {address}: this cluster cannot be joined" if address else "Ray cannot be started here"
            )
            raise ClusterError(f"{asked} ({essence(error)}).") from error


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set what is not set already, for a while; the processes that Ray starts inherit it."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for our code on its way, and for the sockets (their paths must be short) and logs of our own cluster."""
    where = "/tmp" if os.name == "posix" else None
    return tempfile.TemporaryDirectory(prefix="inkwear-ray-", dir=where, ignore_cleanup_errors=True)


def _code(folder: Path) -> list[str]:
    """Copy our Python files without what lies beside them; Ray sends the copy to every machine."""

    def not_python(where: str, names: list[str]) -> list[str]:
        return [name for name in names if not name.endswith(".py") and not os.path.isdir(os.path.join(where, name))]

    return [str(shutil.copytree(ROOT / name, folder / name, ignore=not_python)) for name in ("app", "exports")]


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put the command's handlers back where Ray has put its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _hush() -> None:
    """Keep Ray's diary off stderr, and its obituaries of machines off stdout; what goes wrong is raised."""
    import ray

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    ray._private.worker._worker_logs_enabled = False  # log_to_driver=False leaves the obituaries


def _start_none_by_accident() -> None:
    """Let nothing but ``ray.init`` begin a connection.

    A thread of Ray Data that outlives its run still asks for this and that; Ray would connect again for its sake, and
    the next run would find itself connected already. Ray's variable for it (RAY_ENABLE_AUTO_CONNECT) counts only where
    it stands before Ray is first imported.
    """
    import ray._private.auto_init_hook

    ray._private.auto_init_hook.enable_auto_connect = False


def essence(error: BaseException) -> str:
    """The last line of an error of Ray, which says what the many above it lead to."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
