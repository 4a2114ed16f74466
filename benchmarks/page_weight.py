"""What the page weighs: requests and bytes until it is painted and until it is ready, and how many go outside.

``python -m benchmarks.page_weight``. An empty cache, headless Chromium, on this machine.
"""

from typing import Any
from urllib.parse import urlparse

import typer

from tests.browser import chromium
from tests.conftest import start_app

RESOURCES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const entries = [page, ...performance.getEntriesByType("resource")];
  return entries.map(({ name, responseEnd, transferSize }) => ({ name, responseEnd, transferSize }));
}"""


def weigh(page: Any, url: str) -> dict[str, Any]:
    """Open the page; return what was fetched before the first paint, before it is ready, and from elsewhere."""
    page.goto(url)
    page.wait_for_selector(".studio .model option", state="attached")
    ready = page.evaluate("performance.now()")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    entries = page.evaluate(RESOURCES)
    return {
        "painted": (painted, [entry for entry in entries if entry["responseEnd"] <= painted]),
        "ready": (ready, [entry for entry in entries if entry["responseEnd"] <= ready]),
        "outside": [entry["name"] for entry in entries if urlparse(entry["name"]).netloc != urlparse(url).netloc],
    }


def main() -> None:
    """Print requests, kilobytes and milliseconds."""
    app = start_app("--device", "cpu")
    try:
        with chromium() as browser:
            weighed = weigh(browser.new_context().new_page(), app.url)
    finally:
        app.process.terminate()
        app.process.wait(10)
    for moment in ("painted", "ready"):
        milliseconds, entries = weighed[moment]
        kilobytes = sum(entry["transferSize"] for entry in entries) / 1000
        own = [entry for entry in entries if "/page/" in entry["name"]]
        of_ours = sum(entry["transferSize"] for entry in own) / 1000
        print(f"{moment} after {milliseconds:.0f} ms: {len(entries)} requests, {kilobytes:.0f} kB")
        print(f"  of these our own modules and pictures: {len(own)}, {of_ours:.0f} kB")
    print(f"requests to elsewhere: {len(weighed['outside'])}", *weighed["outside"])


if __name__ == "__main__":
    typer.run(main)
