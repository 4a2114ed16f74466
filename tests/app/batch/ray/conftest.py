"""A cluster of two machines, as Ray makes one of processes on this one: each has its own scheduler and object store."""

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.batch.ray import engine
from tests.conftest import lacking

HEALTH_CHECKS = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
"""How the head finds out that a machine is gone; Ray's own patience would be 15 s."""


@pytest.fixture(scope="module")
def ray_installed() -> None:
    if find_spec("ray") is None:
        lacking(f"Ray is not installed: {engine.INSTALL}")


@pytest.fixture(scope="module")
def ray_cluster(ray_installed: None) -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        Path("/tmp/ray").mkdir(exist_ok=True)  # the head notes its address there, whatever its own folder
        small = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False, "temp_dir": folder}
        cluster = Cluster(initialize_head=True, head_node_args=small | {"_system_config": HEALTH_CHECKS})
        yield cluster
        ray.shutdown()  # where a test failed while it was connected; the cluster would refuse to end
        cluster.shutdown()


@pytest.fixture
def two_machines(ray_cluster: Any) -> Any:
    """The cluster with its head and one more."""
    if not ray_cluster.worker_nodes:
        ray_cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    ray_cluster.wait_for_nodes()
    return ray_cluster
