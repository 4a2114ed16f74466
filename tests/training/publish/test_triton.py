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
from typer.testing import CliRunner

from inkwear.classifier import Classifier
from inkwear.onnx.props import read_props
from tests.conftest import EXPORTS, some_exports
from tests.exports.test_snippets import CLASSIFIERS, Said, images_of, run_alone
from tests.packages import wheel
from tests.training.publish.test_exports import small_model
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


# --------------------------------------------------------------------------------------------------- configurations


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


def test_a_file_of_fixed_sizes_is_not_batched(tmp_path: Path, schema: ModuleType) -> None:
    onnx.save(small_model([1, 3], TensorProto.INT64), tmp_path / "fixed.onnx")
    told = parsed(config(read_export(tmp_path / "fixed.onnx")), schema)
    assert (told.max_batch_size, told.HasField("dynamic_batching")) == (0, False)
    assert (list(told.input[0].dims), told.input[0].data_type) == ([1, 3], schema.TYPE_INT64)
    assert not told.output[0].label_filename


def test_open_sizes_are_left_to_the_request(tmp_path: Path, schema: ModuleType) -> None:
    model = small_model(["lines", 1, 32, "width"])
    onnx.helper.set_model_props(model, {"odd": 'two "words",\na \\ and \x01 Ä'})
    onnx.save(model, tmp_path / "lines.onnx")
    told = parsed(config(read_export(tmp_path / "lines.onnx")), schema)
    assert (told.max_batch_size, list(told.input[0].dims)) == (64, [1, 32, -1])
    assert told.parameters["odd"].string_value == 'two "words",\na \\ and \x01 Ä'


def test_what_triton_cannot_serve_is_said(tmp_path: Path) -> None:
    onnx.save(small_model(["batch"]), tmp_path / "flat.onnx")
    with pytest.raises(RepositoryError, match=r"flat.onnx: in \(batch\) float32 has no size but the batch's"):
        config(read_export(tmp_path / "flat.onnx"))
    onnx.save(small_model([2, 2], TensorProto.COMPLEX64), tmp_path / "complex.onnx")
    with pytest.raises(RepositoryError, match="of a type that Triton does not have"):
        config(read_export(tmp_path / "complex.onnx"))


# ------------------------------------------------------------------------------------------------------ a repository


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return some_exports(tmp_path / "exports", ["mnist-mlp_small", "fashion_mnist-mlp_small"])


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    return result.exit_code, result.output


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_repository_holds_the_very_files_and_their_labels(exports: Path, tmp_path: Path) -> None:
    code, output = run(tmp_path / "new" / "models", "--exports", exports)
    assert code == 0, output
    models = tmp_path / "new" / "models"
    names = ("mnist-mlp_small", "fashion_mnist-mlp_small")
    assert files(models) == {
        f"{name}/{file}" for name in names for file in ("1/model.onnx", "config.pbtxt", "labels.txt")
    }
    for name in names:
        assert (models / name / "1" / "model.onnx").read_bytes() == (exports / f"{name}.onnx").read_bytes()
        labels = (models / name / "labels.txt").read_text(encoding="utf-8").splitlines()
        assert labels == json.loads(read_props(exports / f"{name}.onnx")["class_names"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["models"], "something was left beside it"


def test_its_own_folder_is_written_anew_and_others_stay(exports: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert run(models, "--exports", exports)[0] == 0
    assert run(models, "mnist-mlp_small", "--exports", exports, "--max-batch-size", 7)[0] == 0
    assert "max_batch_size: 7\n" in (models / "mnist-mlp_small" / "config.pbtxt").read_text()
    assert "max_batch_size: 64\n" in (models / "fashion_mnist-mlp_small" / "config.pbtxt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exports", "models"]


def test_a_folder_with_other_things_is_refused_unless_told_and_they_stay(exports: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name in ("resnet50", "mnist-mlp_small"):
        (models / name).mkdir(parents=True)
        (models / name / "config.pbtxt").write_text('platform: "tensorrt_plan"')
    before = files(models)
    code, output = run(models, "--exports", exports)
    assert code == 2
    assert "holds mnist-mlp_small, which python -m training.publish.triton did not write" in " ".join(output.split())
    assert files(models) == before
    assert run(models, "--exports", exports, "--overwrite")[0] == 0
    assert (models / "resnet50" / "config.pbtxt").read_text() == 'platform: "tensorrt_plan"'
    assert (models / "mnist-mlp_small" / "1" / "model.onnx").exists()


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
        (["mnist-mpl_small"], "there is no mnist-mpl_small.onnx in"),
        (["mnist-mpl_small"], "did you mean mnist-mlp_small?"),
        (["--exports", "nowhere"], "nowhere is no folder"),
        (["--max-batch-size", "0"], "should be greater than or equal to 1"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(exports: Path, tmp_path: Path, arguments: list, said: str) -> None:
    code, output = run(tmp_path / "models", "--exports", exports, *arguments)
    assert code == 2
    assert said in " ".join(output.replace("│", " ").split())
    assert not (tmp_path / "models").exists()


def test_a_file_is_no_repository(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    code, output = run(tmp_path / "models", "--exports", exports)
    assert (code, (tmp_path / "models").read_text()) == (2, "a file")
    assert "is a file" in output


# -------------------------------------------------------------------------------------------------------- a client


@pytest.fixture
def server(exports: Path, tmp_path: Path, schema: ModuleType) -> Iterator[str]:
    """What a Triton server does with a repository, as far as the program needs it: its configuration, and inference.

    The requests are held to the KServe protocol, version 2, and run by ONNX Runtime on the repository's file.
    """
    from google.protobuf.json_format import MessageToDict

    write_repository(tmp_path / "models", read_exports(exports))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            model = self._model("config")
            told = parsed((tmp_path / "models" / model / "config.pbtxt").read_text(encoding="utf-8"), schema)
            self._answer(MessageToDict(told, preserving_proto_field_name=True))

        def do_POST(self) -> None:
            model = self._model("infer")
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            [given], [wanted] = asked["inputs"], asked["outputs"]
            assert (given["datatype"], len(given["data"])) == ("FP32", np.prod(given["shape"]))
            session = onnxruntime.InferenceSession(tmp_path / "models" / model / "1" / "model.onnx")
            images = np.array(given["data"], np.float32).reshape(given["shape"])
            [found] = session.run([wanted["name"]], {given["name"]: images})
            output = {"name": wanted["name"], "datatype": "FP32", "shape": found.shape, "data": found.ravel().tolist()}
            self._answer({"model_name": model, "model_version": "1", "outputs": [output]})

        def _model(self, what: str) -> str:
            _, version, models, model, asked = self.path.split("/")
            assert (version, models, asked) == ("v2", "models", what)
            return model

        def _answer(self, value: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(value).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["mnist-mlp_small", "fashion_mnist-mlp_small"])
def test_the_program_for_triton_asks_as_the_protocol_has_it(
    server: str, name: str, real_data: Path, tmp_path: Path
) -> None:
    classifier = Classifier(EXPORTS / f"{name}.onnx", "cpu")
    for pixels in images_of(classifier.metadata.dataset, real_data):
        Image.fromarray(pixels).save(tmp_path / "picture.png")
        said = run_alone(SNIPPETS / "triton_client.py", [server, name, tmp_path / "picture.png"], tmp_path)
        assert said == Said.by(classifier, pixels)
