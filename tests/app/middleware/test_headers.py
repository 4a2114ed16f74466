import pytest


@pytest.mark.parametrize("path", ["/", "/models", "/nothing", "/page/words.json"])
def test_the_headers_are_on_every_answer(client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert ("'sha256-" in policy) is (path == "/")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"].startswith("camera=(self)")


def test_scripts_of_the_page_run_and_no_others(browser, app_url: str) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(app_url)
    page.wait_for_selector(".studio .model option", state="attached")
    assert not [text for text in said if "Content Security Policy" in text]
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.evil = 1\">')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.evil") is None
    assert [text for text in said if "Content Security Policy" in text]
    page.close()
