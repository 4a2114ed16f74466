"""The page in a real browser."""

import csv
import io
import json
from pathlib import Path
from typing import get_args
from urllib.parse import urlparse

import httpx
import numpy as np
import pytest

from app.gradio.mount import PAGE
from inkwear.onnx.session import cuda_fallback_reason
from inkwear.prediction import ReadBy
from inkwear.preprocess.notes import TEMPLATES
from tests.app.command import predict
from tests.browser import bring, draw, open_page, settled
from tests.conftest import running_app
from tests.hand import DIGITS, encoded, render, write_number

FIVE = encoded(render("5", canvas=300, side=180))


def choose(page, model: str) -> None:
    page.select_option("select.model", model)


def test_the_first_touch_draws(browser, app_url: str) -> None:
    page = open_page(browser, app_url, has_touch=True, viewport={"width": 360, "height": 740})
    page.tap(".pad")
    assert settled(page) != ""
    assert page.locator(".invitation").is_hidden()
    page.context.close()


def test_undo_takes_back_a_stroke_and_clear_all_of_them(page) -> None:
    draw(page, "0")
    assert settled(page) == "0"
    draw(page, "1", 0.1, 0.02, 0.02)
    page.click("[data-tool=undo]")
    assert settled(page) == "0"
    page.click("[data-tool=clear]")
    assert settled(page) == ""
    assert page.locator(".sentence").inner_text() == "Waiting for your picture."
    assert page.locator("[data-tool=undo]").is_disabled()


def test_all_ten_probabilities_the_pixels_and_the_notes_are_shown(page) -> None:
    draw(page, "5")
    settled(page)
    assert page.locator(".bars li .name").all_inner_texts() == list(DIGITS)
    assert page.locator(".bars li.best .name").inner_text() == "5"
    assert "inverted: the object was darker than its background" in page.locator(".notes").inner_text()
    seen = page.locator(".eye").evaluate("node => [...node.getContext('2d').getImageData(0, 0, 28, 28).data]")
    assert max(seen[::4]) >= 250
    assert page.locator(".eye").evaluate("node => getComputedStyle(node).imageRendering") == "pixelated"


def test_another_model_and_another_device_answer_for_the_same_picture(page) -> None:
    auto, *options = page.locator("select.model option").all_inner_texts()
    assert auto == "Auto (MNIST digits, Fashion-MNIST clothing)"
    assert len(options) >= 4
    assert all("%" in option and "kB" in option for option in options)
    bring(page, ("five.png", FIVE))
    assert settled(page) == "5"
    choose(page, "fashion_mnist-lenet")
    settled(page)
    assert "Trouser" in page.locator(".bars").inner_text()
    choose(page, "mnist-lenet")
    page.select_option("select.device", "cpu")
    assert settled(page) == "5"
    assert page.locator(".whereabouts").inner_text().startswith("mnist-lenet on CPU")


def test_auto_reads_digits_and_clothing_and_says_which_model_did(page) -> None:
    assert page.input_value("select.model") == "auto"
    draw(page, "5")
    assert settled(page) == "5"
    assert page.locator(".whereabouts").inner_text().startswith("mnist-")
    assert "was surer than fashion_mnist-" in page.locator(".notes").inner_text()
    page.click("[data-example=trouser]")
    page.wait_for_function("() => document.querySelector('.label').textContent.startsWith('Trouser')")
    assert settled(page) == "Trouser"
    assert page.input_value("select.model") == "auto"
    assert page.locator(".whereabouts").inner_text().startswith("fashion_mnist-efficientnet_lite0 on CPU")
    assert page.locator(".bars li .name").first.inner_text() == "T-shirt/top"
    page.click("[data-drawer=network]")
    page.wait_for_function(
        "() => document.querySelector('.card h3')?.textContent === 'fashion_mnist-efficientnet_lite0'"
    )


PIXELS = "A" * 1048  # 28×28 black ones


def test_an_unsure_answer_of_two_classes_names_both(page) -> None:
    answer = {
        **{
            "status": "unsure",
            "label": "Shirt",
            "text": "Shirt",
            "class_id": 6,
            "confidence": 0.5,
            "notes": [],
            "digits": [],
            "reader": None,
        },
        **{"model": "fashion_mnist-sturdy", "digest": "", "pixels": PIXELS, "milliseconds": 1},
        "probabilities": {"Shirt": 0.5, "Coat": 0.42, "Bag": 0.08},
        "device": {"asked": "cpu", "used": "cpu", "provider": "", "code": "not_asked", "reason": "", "remedy": ""},
    }
    page.route("**/classify?*", lambda route: route.fulfill(json=answer))
    bring(page, ("five.png", FIVE))
    assert settled(page) == "Shirt?"
    sentence = "Shirt (50.0%) or Coat (42.0%)? Fashion-MNIST's own labels mix these two up."
    assert page.locator(".sentence").inner_text() == sentence
    answer["probabilities"] = {"Shirt": 0.5, "Bag": 0.42, "Coat": 0.08}
    bring(page, ("five.png", FIVE))
    page.wait_for_function("() => document.querySelector('.sentence').textContent.includes('Bag')")
    assert page.locator(".sentence").inner_text() == "Shirt (50.0%) or Bag (42.0%)?"
    answer["probabilities"] = {"Shirt": 0.5, "Bag": 0.3, "Coat": 0.2}
    bring(page, ("five.png", FIVE))
    page.wait_for_function("() => document.querySelector('.sentence').textContent.includes('Coat')")
    assert page.locator(".sentence").inner_text().startswith("Not sure. Most likely: Shirt")


def test_a_device_that_is_not_there_is_explained(page) -> None:
    if cuda_fallback_reason() is None:
        pytest.skip("CUDA works here")
    page.select_option("select.device", "cuda")
    draw(page, "3")
    assert settled(page) == ""
    assert "CUDA is not available" in page.locator(".sentence").inner_text()


@pytest.mark.parametrize(
    ("name", "content", "label", "place", "said"),
    [
        ("bad.png", b"bad", "", ".sentence", "bad.png: not a picture of an accepted format"),
        ("blank.png", encoded(render("1", ink=255)), "", ".sentence", "Nothing to read"),
        ("eight.tiff", encoded(render("8"), "TIFF"), "8", ".filename", "cannot show this format"),
    ],
)
def test_a_strange_file_is_explained_and_the_next_one_is_read(page, name, content, label, place, said) -> None:
    bring(page, (name, content))
    assert settled(page) == label
    assert said in page.locator(place).inner_text()
    bring(page, ("five.png", FIVE))
    assert settled(page) == "5"
    draw(page, "7")
    assert settled(page) == "7"
    assert page.locator("img.picture").is_hidden()


HAND_OVER = """([kind, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "two.png", { type: "image/png" }));
  const paper = document.querySelector(".paper");
  if (kind === "paste") document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
  else paper.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(page, kind: str) -> None:
    page.evaluate(HAND_OVER, [kind, list(encoded(render("2")))])
    assert settled(page) == "2"
    assert page.locator("img.picture").is_visible()


def test_a_drawn_number_has_a_numbered_box_around_each_digit(page) -> None:
    choose(page, "mnist-convnet")
    for column, digit in enumerate("471"):
        draw(page, digit, 0.24, 0.1 + 0.26 * column, 0.35)
    assert settled(page) == "471"
    assert page.locator(".digits .name").all_inner_texts() == list("471")
    assert page.locator(".boxes text").all_text_contents() == ["1", "2", "3"]
    assert page.locator(".bars").is_hidden()
    page.click("[data-tool=clear]")
    settled(page)
    assert page.locator(".boxes rect").count() == page.locator(".digits li").count() == 0
    assert page.locator(".bars").is_visible()


def test_the_boxes_lie_on_the_digits_of_a_picture(page) -> None:
    choose(page, "mnist-convnet")
    picture = write_number("30")
    bring(page, ("number.png", encoded(picture)))
    assert settled(page) == "30"
    paper, box = page.locator(".paper").bounding_box(), page.locator(".boxes rect").first.bounding_box()
    scale = paper["width"] / picture.width  # the picture is wider than high, so it fills the sheet's width
    ink = np.asarray(picture)[:, : picture.width // 2] < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    top = paper["y"] + (paper["height"] - scale * picture.height) / 2
    assert box["x"] == pytest.approx(paper["x"] + scale * columns[0], abs=6)
    assert box["y"] == pytest.approx(top + scale * rows[0], abs=6)


def test_a_number_is_shown_as_it_is_written_with_who_read_it(page) -> None:
    def answer(route) -> None:
        reply = route.fetch()
        route.fulfill(response=reply, json=reply.json() | {"text": "3\n-0", "reader": "both"})

    choose(page, "mnist-convnet")
    page.route("**/classify?*", answer)
    bring(page, ("number.png", encoded(write_number("30"))))
    assert settled(page) == "3\n-0"
    assert page.locator(".digits .name").all_inner_texts() == list("30")
    assert page.locator(".notes li").last.inner_text() == "read by the line reader and the model"
    page.click("[data-language=zh]")
    assert page.locator(".notes li").last.inner_text() == "由整行识别器和模型共同识别"
    page.unroute("**/classify?*")
    bring(page, ("five.png", FIVE))
    assert settled(page) == "5"
    assert "识别器" not in page.locator(".notes").inner_text()


def test_the_camera_takes_a_picture_and_a_drawing_ends_it(page) -> None:
    page.context.grant_permissions(["camera"])
    page.click("[data-tool=camera]")
    page.wait_for_selector("[data-tool=shoot]")
    page.wait_for_function("() => document.querySelector('.viewfinder').videoWidth > 0")
    page.click("[data-tool=shoot]")
    page.wait_for_selector("img.picture", state="visible")
    settled(page)
    assert page.locator(".whereabouts").inner_text() != ""
    page.click("[data-tool=camera]")
    page.wait_for_selector("[data-tool=shoot]")
    draw(page, "6")
    assert settled(page) == "6"
    assert page.locator(".viewfinder").is_hidden()
    assert page.locator("[data-tool=shoot]").is_hidden()


@pytest.mark.slow
def test_an_empty_folder_of_exports_is_said_with_what_to_do(browser, tmp_path: Path) -> None:
    with running_app("--exports", str(tmp_path)) as app:
        page = browser.new_page(locale="en-US")
        page.goto(app.url)
        page.wait_for_function("() => document.querySelector('.sentence')?.textContent.includes('no models')")
        page.mouse.click(300, 300)
        assert "python -m training.train" in page.locator(".sentence").inner_text()
        page.close()


def test_chinese(browser, app_url: str) -> None:
    page = open_page(browser, app_url, locale="zh-CN")
    assert page.locator("[data-tool=clear]").inner_text() == "清空"
    draw(page, "5")
    assert settled(page) == "5"
    assert "已反色" in page.locator(".notes").inner_text()
    choose(page, "fashion_mnist-lenet")
    settled(page)
    assert "裤子" in page.locator(".bars").inner_text()
    page.click("[data-language=en]")
    assert page.locator("[data-tool=clear]").inner_text() == "Clear"
    page.reload()
    page.wait_for_selector(".studio .model option", state="attached")
    assert page.locator("[data-tool=clear]").inner_text() == "Clear"
    page.context.close()


def test_both_languages_say_the_same_things() -> None:
    words = json.loads((PAGE / "words.json").read_text(encoding="utf-8"))
    assert set(words["zh"]) - {"values"} == set(words["en"])
    assert set(words["zh"]["notes"]) == set(TEMPLATES)
    assert set(words["zh"]["readers"]) == set(words["en"]["readers"]) == set(get_args(ReadBy))


def test_the_page_asks_for_nothing_outside_and_reports_no_errors(browser, app_url: str) -> None:
    page = browser.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(urlparse(request.url)))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(app_url)
    page.wait_for_selector(".studio .model option", state="attached")
    draw(page, "4")
    settled(page)
    hosts = {url.netloc for url in asked if url.scheme in ("http", "https", "ws", "wss")}
    assert hosts == {urlparse(app_url).netloc}
    assert not errors
    page.close()


def test_page_endpoint_and_batch_give_bit_identical_probabilities(page, app_url: str, tmp_path: Path) -> None:
    choose(page, "mnist-convnet")
    bring(page, ("five.png", FIVE))
    settled(page)
    by_page = page.evaluate("import(new URL('page/js/answer.js', document.baseURI)).then(m => m.answer.probabilities)")
    form = {"model": "mnist-convnet"}
    by_endpoint = httpx.post(f"{app_url}/classify", files={"image": FIVE}, data=form).json()
    (tmp_path / "five.png").write_bytes(FIVE)
    table = predict(tmp_path / "five.png", "--model=mnist-convnet", "--top-k=10", "--output=-").stdout
    [row] = csv.DictReader(io.StringIO(table))
    assert by_page == by_endpoint["probabilities"] == json.loads(row["top_k"])
