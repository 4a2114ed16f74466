"""The drawers under the desk: steps, comparison, the network, many pictures, corrections, programs."""

import csv
import io
import json
import random
from pathlib import Path

import pytest

from app.api.classify_batch import in_unicode
from app.batch.output.formats import defused
from tests.app.batch.output.test_formats import NASTY_NAMES
from tests.browser import bring, draw, open_page, settled
from tests.conftest import running_app
from tests.hand import png, render
from tests.hands import archive


def open_drawer(page, name: str) -> None:
    page.click(f"[data-drawer={name}]")


def download(page, selector: str) -> bytes:
    with page.expect_download() as downloaded:
        page.click(selector)
    return downloaded.value.path().read_bytes()


def test_every_step_of_the_newest_drawing_is_shown_with_the_pixels_that_decided(page) -> None:
    draw(page, "5")
    settled(page)
    page.wait_for_function("() => document.querySelector('.stages').textContent.includes('Why 5?')")
    titles = page.locator(".stages h3").all_inner_texts()
    assert titles == ["Your picture", "Gray", "Found", "Read as lines", "Framed", "Normalized", "Why 5?"]
    assert "inverted" in page.locator(".stages").inner_text()
    assert page.locator(".stages img").evaluate_all("images => images.every((image) => image.naturalWidth > 0)")
    heat = page.locator(".heat").evaluate("node => [...node.getContext('2d').getImageData(0, 0, 28, 28).data]")
    red, blue = max(heat[::4]), heat[2::4]
    assert red > 200
    assert min(blue) == 0
    page.click("[data-tool=clear]")
    page.wait_for_function("() => !document.querySelector('.stages').children.length")
    draw(page, "1")
    settled(page)
    page.wait_for_function("() => document.querySelector('.stages')?.textContent.includes('Why 1?')")


def test_all_models_of_the_set_are_compared_and_can_be_chosen(page) -> None:
    draw(page, "3")
    settled(page)
    open_drawer(page, "compare")
    page.wait_for_selector(".comparison tbody tr")
    rows = page.locator(".comparison tbody tr")
    digits = page.locator("select.model option[value^=mnist]").count()
    assert rows.count() == digits
    assert "say 3" in page.locator("#compare .hint").inner_text()
    over_time, over_size = page.locator(".frontier").all()
    answered = page.locator(".whereabouts").inner_text().split()[0]
    models = {name.removeprefix("mnist-") for name in page.locator(".comparison tbody button").all_inner_texts()}
    assert models & set(over_time.locator("text").all_text_contents()), "which names have room depends on the times"
    assert "sturdy" in over_size.locator("text").all_text_contents()
    for chart in (over_time, over_size):
        assert chart.locator("circle").count() == digits
        assert chart.locator("circle[r='6'] title").text_content().startswith(answered)
    page.click(".comparison button >> text=mnist-lenet >> nth=0")
    settled(page)
    assert page.locator("select.model").input_value().startswith("mnist-lenet")


def test_the_network_introduces_itself(page) -> None:
    page.select_option("select.model", "mnist-lenet")
    open_drawer(page, "network")
    page.wait_for_selector(".card .confusion")
    card = page.locator(".card").inner_text()
    for fact in ("61,706", "training.train", "Calibration error", "of the test images; right on 99."):
        assert fact in card
    assert page.locator(".layers tbody tr").count() >= 5
    assert page.locator(".curve path").count() == 1
    diagonal = page.locator(".confusion .right").all_inner_texts()
    assert sum(map(int, diagonal)) / 10_000 == pytest.approx(0.9952, abs=0.0005)


def names(page) -> list[str]:
    return page.locator(".many-table tbody th").all_inner_texts()


def finished(page, rows: int) -> None:
    page.wait_for_function(f"() => document.querySelectorAll('.many-table tbody tr').length === {rows}")
    page.wait_for_selector("[data-many=cancel]", state="hidden")


def test_several_pictures_become_a_table_and_a_bad_one_costs_no_other(page) -> None:
    bring(page, ("three.png", png(render("3"))), ("bad.png", b"bad"), ("=eight.png", png(render("8"))))
    finished(page, 3)
    assert names(page) == ["three.png", "bad.png", "=eight.png"]
    said = page.locator(".many-table .said").all_inner_texts()
    assert (said[0], said[2]) == ("3", "8")
    assert "not a picture" in said[1]
    assert page.locator(".many-state").inner_text() == "3 read, 1 failed, 3 shown"
    page.click("[data-sort=name]")
    assert names(page) == ["=eight.png", "bad.png", "three.png"]
    page.click("[data-sort=name]")
    assert names(page) == ["three.png", "bad.png", "=eight.png"]
    rows = list(csv.DictReader(io.StringIO(download(page, "[data-many=csv]").decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["three.png", "bad.png", "'=eight.png"]
    assert [row["label"] for row in rows] == [row["text"] for row in rows] == ["3", "", "8"]


def test_numbers_keep_signs_and_lines_in_the_table_and_its_download(page) -> None:
    found = {"status": "ok", "label": "710", "text": "-7\n=10", "confidence": 0.9}
    lines = [{"index": 0, "name": "sum.png", "answer": found, "thumbnail": ""}]
    page.route("**/classify/many", lambda route: route.fulfill(body="".join(f"{json.dumps(line)}\n" for line in lines)))
    bring(page, ("any.zip", b"the answer is the one above"))
    finished(page, 1)
    assert page.locator(".many-table .said").inner_text() == "-7\n=10"
    table = io.StringIO(download(page, "[data-many=csv]").decode("utf-8-sig"), newline="")
    [row] = csv.DictReader(table)
    assert list(row) == ["name", "status", "label", "text", "confidence", "error"]
    assert (row["label"], row["text"]) == ("710", defused("-7\n=10"))


def test_numbers_that_are_compared_keep_signs_and_lines(page) -> None:
    def answer(route) -> None:
        reply = route.fetch()
        rows = [row | {"text": "3-"} if row["label"] == "3" else row for row in reply.json()["answers"]]
        route.fulfill(response=reply, json=reply.json() | {"answers": rows})

    page.route("**/compare", answer)
    draw(page, "3")
    settled(page)
    open_drawer(page, "compare")
    page.wait_for_selector(".comparison tbody tr")
    assert {said.removesuffix("?") for said in page.locator(".comparison .agrees .said").all_inner_texts()} == {"3-"}
    assert "say 3." in page.locator("#compare .hint").inner_text()


def test_the_download_defuses_formulas_as_the_batch_does(page) -> None:
    dice = random.Random(5)
    names = [*NASTY_NAMES, *("".join(dice.choices("''=+-@\t\r\n;; a,\"＝＠", k=8)) for _ in range(500))]
    names = [in_unicode(name) for name in names]
    lines = [{"index": 0, "name": name, "error": {"code": "empty", "message": name}} for name in names]
    page.route("**/classify/many", lambda route: route.fulfill(body="".join(f"{json.dumps(line)}\n" for line in lines)))
    bring(page, ("any.zip", b"the answer is the one above"))
    page.wait_for_selector("[data-many=cancel]", state="hidden")
    table = io.StringIO(download(page, "[data-many=csv]").decode("utf-8-sig"), newline="")
    rows = list(csv.DictReader(table))
    assert [row["name"] for row in rows] == [defused(name) for name in names]
    assert [row["error"] for row in rows] == [defused(name) for name in names]


@pytest.mark.slow
def test_a_zip_becomes_a_table_that_can_be_filtered_and_cut_short(page) -> None:
    rows = page.locator(".many-table tbody tr")
    bring(page, ("drawings.zip", archive(20)))
    finished(page, 20)
    assert page.locator(".many-table img").evaluate_all("images => images.every((image) => image.naturalWidth > 0)")
    page.select_option(".doubt", "0.5")
    assert rows.count() < 20
    page.select_option(".doubt", index=0)
    bring(page, ("drawings.zip", archive(600)))
    page.wait_for_selector("[data-many=cancel]")
    page.dispatch_event("[data-many=cancel]", "click")  # a click of the mouse waits for the page to stand still
    page.wait_for_selector("[data-many=cancel]", state="hidden")
    assert rows.count() < 600


def test_corrections_are_off_until_switched_on(page) -> None:
    draw(page, "5")
    settled(page)
    assert page.locator(".offer").is_hidden()
    open_drawer(page, "corrections")
    assert "python -m app --corrections" in page.locator("#corrections .hint").inner_text()


@pytest.mark.slow
def test_a_wrong_answer_is_corrected_undone_and_deleted(browser, tmp_path: Path) -> None:
    with running_app("--corrections", str(tmp_path / "kept")) as app:
        page = open_page(browser, app.url)
        page.on("dialog", lambda dialog: dialog.accept())
        draw(page, "1")
        settled(page)
        page.select_option(".right-label", "7")
        page.wait_for_selector("[data-correction=undo]", state="visible")
        open_drawer(page, "corrections")
        page.wait_for_selector(".corrected li")
        assert page.locator(".corrected li").inner_text().startswith("read as 1, is 7")
        page.click("[data-correction=undo]")
        page.wait_for_selector(".corrected li", state="detached")
        for label in "78":
            page.select_option(".right-label", label)
            page.wait_for_function(f"() => document.querySelector('.kept').textContent.includes('{label}')")
        assert download(page, ".corrections-tools a").startswith(b"PK")
        page.click("[data-correction=all]")
        page.wait_for_selector(".corrected li", state="detached")
        page.context.close()


def test_snippets_are_shown_with_this_servers_address(page, app_url: str) -> None:
    open_drawer(page, "programs")
    page.wait_for_selector(".snippets pre")
    assert app_url in page.locator(".snippets").inner_text()
    assert "curl" in page.locator(".snippets").inner_text()
