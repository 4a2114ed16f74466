import pytest
from PIL import Image

from app.batch.run.reader import Reader
from tests.app.batch.run.readers import JOB
from tests.hand import render


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Sixty digits, by turns large and framed already."""
    folder = tmp_path_factory.mktemp("digits")
    reader = Reader(JOB)
    paths = []
    for index in range(60):
        picture = render(str(index % 10), canvas=120, side=70 + index % 7, pen=8)
        if index % 2:
            picture = Image.fromarray(reader.classifier.predict([picture])[0].pixels)
        paths.append(str(folder / f"{index:02}.png"))
        picture.save(paths[-1])
    return paths
