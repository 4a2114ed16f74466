"""The contenders of ``benchmarks.batch``, each in its own process: ``python FILE NAME FOLDER MODEL``.

Each prints as JSON the images and the seconds of its loop alone, without imports, opening the model and warming up. The
peers run as their own documentation says, with the smallest networks that they have, so that decoding and preprocessing
decide.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROCESSES = 2
"""Worker processes of each contender that has any."""

BATCH = 64


def files_in(folder: str) -> list[str]:
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


def naive(folder: str, model: str) -> tuple[int, float]:
    """Run the script that everybody writes first: Pillow, and one call of ONNX Runtime for each image."""
    import numpy as np
    import onnxruntime as ort
    from PIL import Image

    files = files_in(folder)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    started = time.perf_counter()
    for file in files:
        pixels = np.asarray(Image.open(file).convert("L").resize((28, 28)), np.float32)
        images = ((pixels / 255 - 0.1306) / 0.3082).astype(np.float32)[None, None]
        session.run(None, {"images": images})[0].argmax()
    return len(files), time.perf_counter() - started


def decoding(folder: str, model: str, processes: int = PROCESSES) -> tuple[int, float]:
    """Measure the floor's first part: reading, decoding and framing on all cores, without returning anything."""
    import cv2

    from app.batch.inputs.input import Input
    from app.batch.run.reader import Job, Reader, Stopwatch

    cv2.setNumThreads(1)
    reader = Reader(Job((Path(model),), "cpu", 3, "csv"))
    items = [Input(file) for file in files_in(folder)]
    reader.prepared_images(items[:BATCH], Stopwatch())
    started = time.perf_counter()
    for process in range(processes):
        if os.fork() == 0:
            share = items[process::processes]
            for start in range(0, len(share), BATCH):
                reader.prepared_images(share[start : start + BATCH], Stopwatch())
            os._exit(0)
    for _ in range(processes):
        os.wait()
    return len(items), time.perf_counter() - started


def decoding_on_one_core(folder: str, model: str) -> tuple[int, float]:
    """Measure ``decoding`` on one core, which is what a picture costs."""
    return decoding(folder, model, processes=1)


def network(folder: str, model: str) -> tuple[int, float]:
    """Measure the floor's second part: ONNX Runtime alone, in batches, with its default number of threads."""
    import numpy as np
    import onnxruntime as ort

    count = len(files_in(folder))
    images = np.random.default_rng(0).standard_normal((BATCH, 1, 28, 28)).astype(np.float32)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    session.run(None, {"images": images})
    started = time.perf_counter()
    for _ in range(0, count, BATCH):
        session.run(None, {"images": images})
    return count, time.perf_counter() - started


def torchvision(folder: str, model: str) -> tuple[int, float]:
    """Loop over torchvision's transforms in a DataLoader with a worker for each core."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    from models import create_model

    files = files_in(folder)
    transform = transforms.Compose(
        [transforms.Grayscale(), transforms.Resize((28, 28)), transforms.ToTensor(), transforms.Normalize(0.13, 0.31)]
    )

    class Pictures(Dataset):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int) -> torch.Tensor:
            return transform(Image.open(files[index]))

    net = create_model("lenet").eval()
    started = time.perf_counter()
    with torch.inference_mode():
        for images in DataLoader(Pictures(), batch_size=BATCH, num_workers=PROCESSES):
            net(images).argmax(dim=1)
    return len(files), time.perf_counter() - started


def timm(folder: str, model: str) -> tuple[int, float]:
    """Run the loop of timm's ``inference.py``: its dataset, its loader, its smallest kind of network."""
    import timm as library
    import torch
    from timm.data import create_dataset, create_loader

    net = library.create_model("test_resnet", pretrained=False, num_classes=10).eval()
    config = library.data.resolve_data_config({"input_size": (3, 28, 28)}, model=net)
    dataset = create_dataset(root=folder, name="", class_map="")
    loader = create_loader(dataset, batch_size=BATCH, use_prefetcher=False, num_workers=PROCESSES, **config)
    started = time.perf_counter()
    with torch.inference_mode():
        for images, _ in loader:
            net(images).softmax(-1).topk(3)
    return len(dataset), time.perf_counter() - started


def ultralytics(folder: str, model: str) -> tuple[int, float]:
    """Run ``YOLO.predict`` of its smallest classifier at its smallest size, streamed, in batches."""
    from ultralytics import YOLO

    net = YOLO("yolo11n-cls.yaml")
    options = {"imgsz": 32, "batch": BATCH, "stream": True, "verbose": False, "device": "cpu"}
    files = files_in(folder)
    list(net.predict(files[:BATCH], **options))
    started = time.perf_counter()
    count = sum(1 for _ in net.predict(str(Path(folder) / "**" / "*.*"), **options))
    return count, time.perf_counter() - started


CONTENDERS: dict[str, Callable[[str, str], tuple[int, float]]] = {
    contender.__name__: contender
    for contender in (naive, decoding, decoding_on_one_core, network, torchvision, timm, ultralytics)
}


def main(arguments: Iterator[str] | None = None) -> None:
    """Run one contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("folder")
    parser.add_argument("model")
    asked = parser.parse_args(arguments)
    count, seconds = CONTENDERS[asked.name](asked.folder, asked.model)
    print("\n" + json.dumps({"count": count, "seconds": seconds}))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
