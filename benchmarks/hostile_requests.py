"""2,000 hostile requests and 300 ways out, at a real process: ``python -m benchmarks.hostile_requests``.

Counted are answers of 5xx, tracebacks, errors without code, reason and request id, connections that the server made or
looked up (a witness in its process writes them down, a canary counts them), and bytes that lie outside.
"""

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import typer

from tests.conftest import start_app
from tests.hostile import CANARY, Attack, Reply, attacks, path_attacks, send_all
from tests.witness import Canary, environment, written

AT_ONCE = 16


def report(name: str, sent: list[Attack], replies: list[Reply], seconds: float) -> None:
    """Print what came back."""
    print(f"{name}: {len(sent)} in {seconds:.0f} s, {Counter(attack.kind for attack in sent)}")
    statuses = Counter(reply.status for reply in replies)
    print("  statuses", dict(sorted(statuses.items())))
    errors = [(attack, reply) for attack, reply in zip(sent, replies, strict=True) if reply.status >= 400]
    silent = [attack for attack, reply in errors if not reply.explained and not attack.data.startswith(b"HEAD")]
    hung = [a for a, reply in zip(sent, replies, strict=True) if reply.status == 0 and a.kind != "broken"]
    leaks = sum(CANARY in reply.body.decode(errors="replace") for reply in replies)
    print(
        f"  5xx {sum(count for status, count in statuses.items() if status >= 500)}, without answer {len(hung)}", end=""
    )
    print(f", errors that do not say why {len(silent)} of {len(errors)}, answers with the bytes of /etc/passwd {leaks}")
    for attack in [*silent, *hung][:5]:
        print("   ", attack.kind, attack.data[:200])


def main(count: int = 2000, seed: int = 8) -> None:
    """Send them and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        app = start_app("--device", "cpu", env=environment(Path(folder)))
        canary, port = Canary(), int(app.url.rpartition(":")[2])
        for name, sent in (
            ("hostile requests", [*attacks(count, seed, canary.url)]),
            ("ways out", [*path_attacks(canary.url)]),
        ):
            started = time.perf_counter()
            replies = asyncio.run(send_all(port, sent, AT_ONCE))
            report(name, sent, replies, time.perf_counter() - started)
        alive = httpx.get(f"{app.url}/readyz", timeout=30).json()
        app.process.terminate()
        code = app.process.wait(15)
        said = app.process.stderr.read() if app.process.stderr else ""
        outside = written(Path(folder))
    print(f"alive afterwards: {alive}; exit code {code}; tracebacks {said.count('Traceback')}")
    print(f"connections and look-ups beyond this machine {len(outside)}, the canary was asked {canary.asked} times")


if __name__ == "__main__":
    typer.run(main)
