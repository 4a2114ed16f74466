import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.onnx.props import read_props
from tests.conftest import EXPORTS, some_exports
from tests.exports.test_snippets import CLASSIFIERS, Said, images_of, run_alone
from tests.packages import wheel
from tests.training.publish.test_exports import small_model
from tests.training.runs import invoke
from training.publish.exports import read_export, read_exports
from training.publish.readme import SNIPPETS
from training.publish.triton import RepositoryError, cli, config, write_repository

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def schema() -> ModuleType:
    """Triton's own ``model_config_pb2``, made from its model_config.proto."""
    path = wheel("tritonclient", "2.73.0", "1f5cec19b0568e037ec4d716ae702984b3ab93e35f72b8f72c5135374dd2be9a")
    with zipfile.ZipFile(path) as archive:
        source = archive.read("tritonclient/grpc/model_config_pb2.py")
    module = ModuleType("model_config_pb2")  # on its own: its package wants all that a client needs
    exec(compile(source, "model_config_pb2.py", "exec"), module.__dict__)
    return module


def parsed(text: str, schema: ModuleType) -> Any:
    """A configuration as Triton reads it; anything that its schema does not know raises."""
    from google.protobuf import text_format

    return text_format.Parse(text, schema.ModelConfig())


@pytest.mark.parametrize("path", CLASSIFIERS, ids=lambda path: path.stem)
def test_a_configuration_keeps_to_tritons_schema_and_to_the_file(path: Path, schema: ModuleType) -> None:
    told = parsed(config(read_export(path), 32), schema)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert (told.name, told.backend, told.max_batch_size) == (path.stem, "onnxruntime", 32)
    assert told.HasField("dynamic_batching")
    for ours, theirs in ((told.input, session.get_inputs()), (told.output, session.get_outputs())):
        assert [(each.name, list(each.dims)) for each in ours] == [(each.name, each.shape[1:]) for each in theirs]
        assert {each.data_type for each in ours} == {schema.TYPE_FP32}
    assert told.output[0].label_filename == "labels.txt"
    parameters = {name: value.string_value for name, value in told.parameters.items()}
    assert json.loads(parameters.pop("file_sha256")) == read_export(path).sha256
    assert parameters == session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize(
    ("shape", "dtype", "max_batch_size", "dims"),
    [
        ([1, 3], TensorProto.INT64, 0, [1, 3]),
        (["lines", 1, 32, "width"], TensorProto.FLOAT, 64, [1, 32, -1]),
    ],
    ids=["fixed sizes are not batched", "open sizes are left to the request"],
)
def test_any_file_is_configured_by_its_shapes(
    tmp_path: Path, schema: ModuleType, shape: list, dtype: int, max_batch_size: int, dims: list[int]
) -> None:
    model = small_model(shape, dtype)
    onnx.helper.set_model_props(model, {"odd": 'two "words",\na \\ and \x01 Ä'})
    onnx.save(model, tmp_path / "small.onnx")
    told = parsed(config(read_export(tmp_path / "small.onnx")), schema)
    assert (told.max_batch_size, told.HasField("dynamic_batching")) == (max_batch_size, max_batch_size > 0)
    assert list(told.input[0].dims) == dims
    assert told.input[0].data_type == (schema.TYPE_INT64 if dtype == TensorProto.INT64 else schema.TYPE_FP32)
    assert not told.output[0].label_filename
    assert told.parameters["odd"].string_value == 'two "words",\na \\ and \x01 Ä'


def test_what_triton_cannot_serve_is_said(tmp_path: Path) -> None:
    onnx.save(small_model(["batch"]), tmp_path / "flat.onnx")
    with pytest.raises(RepositoryError, match=r"flat.onnx: in \(batch\) float32 has no size but the batch's"):
        config(read_export(tmp_path / "flat.onnx"))
    onnx.save(small_model([2, 2], TensorProto.COMPLEX64), tmp_path / "complex.onnx")
    with pytest.raises(RepositoryError, match="of a type that Triton does not have"):
        config(read_export(tmp_path / "complex.onnx"))


NAMES = ("mnist-mlp_small", "fashion_mnist-mlp_small")


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return some_exports(tmp_path / "exports", NAMES)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_repository_holds_the_very_files_and_their_labels(exports: Path, tmp_path: Path) -> None:
    models = tmp_path / "new" / "models"
    invoke(cli, models, "--exports", exports)
    assert files(models) == {
        f"{name}/{file}" for name in NAMES for file in ("1/model.onnx", "config.pbtxt", "labels.txt")
    }
    for name in NAMES:
        assert (models / name / "1" / "model.onnx").read_bytes() == (exports / f"{name}.onnx").read_bytes()
        labels = (models / name / "labels.txt").read_text(encoding="utf-8").splitlines()
        assert labels == json.loads(read_props(exports / f"{name}.onnx")["class_names"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["models"], "something was left beside it"


def test_its_own_models_are_written_anew_others_only_where_told_and_the_rest_stays(
    exports: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    invoke(cli, models, "--exports", exports)
    invoke(cli, models, "mnist-mlp_small", "--exports", exports, "--max-batch-size", 7)
    first, second = (models / name / "config.pbtxt" for name in NAMES)
    assert "max_batch_size: 7\n" in first.read_text()
    assert "max_batch_size: 64\n" in second.read_text()
    strangers = (first, models / "resnet50" / "config.pbtxt")
    strangers[1].parent.mkdir()
    for path in strangers:
        path.write_text('platform: "tensorrt_plan"')
    output = invoke(cli, models, "--exports", exports, code=2)
    assert "holds mnist-mlp_small, which python -m training.publish.triton did not write" in " ".join(output.split())
    assert {path.read_text() for path in strangers} == {'platform: "tensorrt_plan"'}
    invoke(cli, models, "--exports", exports, "--overwrite")
    assert [path.read_text() == 'platform: "tensorrt_plan"' for path in strangers] == [False, True]


def test_a_failure_leaves_everything_as_it_was(exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    write_repository(models, read_exports(exports))
    before = {name: (models / name).read_bytes() for name in files(models)}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(RepositoryError, match=r"cannot be written \(No space left on device\)"):
        write_repository(models, read_exports(exports), 8)
    assert {name: (models / name).read_bytes() for name in files(models)} == before
    with pytest.raises(RepositoryError):
        write_repository(tmp_path / "other", read_exports(exports))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exports", "models"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mnist-mpl_small"], "did you mean mnist-mlp_small?"),
        (["--exports", "nowhere"], "nowhere is no folder"),
        (["--max-batch-size", "0"], "should be greater than or equal to 1"),
        ([], "is a file; name a folder"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(exports: Path, tmp_path: Path, arguments: list, said: str) -> None:
    models = tmp_path / "models"
    models.write_text("a file")
    output = invoke(cli, models, "--exports", exports, *arguments, code=2)
    assert said in " ".join(output.replace("│", " ").split())
    assert models.read_text() == "a file"


@pytest.fixture
def server(exports: Path, tmp_path: Path, schema: ModuleType) -> Iterator[str]:
    """What a Triton server does with a repository, as far as the program needs it: its configuration, and inference.

    The requests are held to the KServe protocol, version 2, and run by ONNX Runtime on the repository's file.
    """
    from google.protobuf.json_format import MessageToDict

    write_repository(tmp_path / "models", read_exports(exports))

    def model_of(path: str, asked: str) -> str:
        _, version, models, model, what = path.split("/")
        assert (version, models, what) == ("v2", "models", asked)
        return model

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = (tmp_path / "models" / model_of(self.path, "config") / "config.pbtxt").read_text(encoding="utf-8")
            self.answer(MessageToDict(parsed(text, schema), preserving_proto_field_name=True))

        def do_POST(self) -> None:
            session = onnxruntime.InferenceSession(tmp_path / "models" / model_of(self.path, "infer") / "1/model.onnx")
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            [given], [wanted] = asked["inputs"], asked["outputs"]
            assert (given["datatype"], len(given["data"])) == ("FP32", np.prod(given["shape"]))
            images = np.array(given["data"], np.float32).reshape(given["shape"])
            [found] = session.run([wanted["name"]], {given["name"]: images})
            output = {"name": wanted["name"], "datatype": "FP32", "shape": found.shape, "data": found.ravel().tolist()}
            self.answer({"outputs": [output]})

        def answer(self, value: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(value).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", NAMES)
def test_the_program_for_triton_asks_as_the_protocol_has_it(
    server: str, name: str, real_data: Path, tmp_path: Path
) -> None:
    classifier = Classifier(EXPORTS / f"{name}.onnx", "cpu")
    for pixels in images_of(classifier.metadata, real_data):
        Image.fromarray(pixels).save(tmp_path / "picture.png")
        said = run_alone(SNIPPETS / "triton_client.py", [server, name, tmp_path / "picture.png"], tmp_path)
        assert said == Said.by(classifier, pixels)
