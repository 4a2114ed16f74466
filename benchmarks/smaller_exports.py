"""Would fewer bits make the exports better? ``python -m benchmarks.smaller_exports``.

Every export is compared with versions of itself: weights in half precision, linear layers in 8 bits, and everything in
8 bits. Size, test accuracy and images a second on one thread are measured, all four taking turns.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import typer
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from inkwear.classifier import Classifier
from inkwear.preprocess.steps import normalize, unsqueeze
from training.console import DEFAULT_DATA_DIR
from training.datasets import find_dataset, load_pixels
from training.inference import logits_in_batches

BATCH, ROUNDS, CALIBRATION_IMAGES = 256, 31, 512


def half_precision(source: Path, output: Path) -> None:
    """Store the weights as float16; ONNX Runtime widens them once, when the file is opened."""
    model = onnx.load(source)
    graph = model.graph
    for tensor in [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]:
        graph.initializer.remove(tensor)
        halved = numpy_helper.to_array(tensor).astype(np.float16)
        graph.initializer.append(numpy_helper.from_array(halved, f"{tensor.name}.half"))
        cast = helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=onnx.TensorProto.FLOAT)
        graph.node.insert(0, cast)
    onnx.save(model, output)


def linear_layers(source: Path, output: Path) -> None:
    """Store the weights of linear layers in 8 bits and quantize their inputs image by image."""
    model = onnx.load(source)
    del model.graph.value_info[:]  # it holds the shapes from before the quantizer transposes the linear layers
    quantize_dynamic(model, output, op_types_to_quantize=["Gemm", "MatMul"], weight_type=QuantType.QInt8)


def everything(source: Path, output: Path) -> None:
    """Quantize weights and maps to 8 bits, in ranges measured on validation images."""
    prepared = output.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared)
    quantize_static(prepared, output, ValidationImages(source), per_channel=True, weight_type=QuantType.QInt8)


class ValidationImages(CalibrationDataReader):
    """Feeds validation images to the quantizer, a batch at a time."""

    def __init__(self, export: Path) -> None:
        metadata = Classifier(export, "cpu").metadata
        pixels, _ = load_pixels(find_dataset(metadata.dataset), "validation", data_dir())
        images = unsqueeze(normalize(pixels[:CALIBRATION_IMAGES], metadata.input))
        self.batches = iter(np.split(images, len(images) // 64))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


VARIANTS = {"half": half_precision, "linear int8": linear_layers, "all int8": everything}


def measure(export: Path, folder: Path) -> None:
    """Print a line for an export and one for each variant of it."""
    files = {"float32": export}
    for name, make in VARIANTS.items():
        files[name] = folder / f"{export.stem}.{name.replace(' ', '-')}.onnx"
        make(export, files[name])
    classifiers = {name: Classifier(file, "cpu") for name, file in files.items()}
    pixels, labels = load_pixels(find_dataset(classifiers["float32"].metadata.dataset), "test", data_dir())
    seconds: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(ROUNDS):
        for name, classifier in classifiers.items():
            started = time.perf_counter()
            classifier.logits(pixels[:BATCH])
            seconds[name].append(time.perf_counter() - started)
    for name, file in files.items():
        right = (logits_in_batches(classifiers[name], pixels).argmax(axis=1) == labels).mean()
        rate = BATCH / statistics.median(seconds[name])
        print(f"{export.stem:26} {name:12} {file.stat().st_size / 1000:8.1f} kB {right:8.2%} {rate:9,.0f} images/s")


def data_dir() -> Path:
    """Return the folder of data sets: ``INKWEAR_DATA``, or ``data``."""
    return Path(os.environ.get("INKWEAR_DATA", DEFAULT_DATA_DIR))


def main(exports: Annotated[Path, typer.Option(help="The folder of the exports.")] = Path("exports")) -> None:
    """Measure every export that is stored in float32."""
    with tempfile.TemporaryDirectory() as folder:
        for export in sorted(exports.glob("*.onnx")):
            if "float32_test_accuracy" not in Classifier(export, "cpu").metadata.metrics:
                measure(export, Path(folder))


if __name__ == "__main__":
    typer.run(main)
