import io
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.hand import png


@pytest.mark.slow
def test_small_requests_do_not_wait_for_a_large_one(app_url: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((8000, 6000), 60).save(file, "JPEG", quality=95)
    icon = png(Image.fromarray(np.zeros((28, 28), np.uint8)))
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=app_url, timeout=60) as small:
        headers = {"Content-Type": "image/jpeg"}
        small.post("/classify", content=icon, headers=headers)
        large = pool.submit(httpx.post, f"{app_url}/classify", content=file.getvalue(), headers=headers, timeout=60)
        waits = []
        while not large.done():
            started = time.perf_counter()
            assert small.post("/classify", content=icon, headers=headers).status_code == 200
            waits.append(time.perf_counter() - started)
        assert large.result().status_code == 200
    assert len(waits) >= 5
    assert sorted(waits)[len(waits) // 2] < 0.1
