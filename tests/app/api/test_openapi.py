from tests.app.api.test_classify import FIVE, PNG


def test_openapi_tells_what_is_taken_and_what_is_answered(client) -> None:
    described = client.get("/openapi.json").json()
    one, several, explain = (described["paths"][path]["post"] for path in ("/classify", "/classify/many", "/explain"))
    assert "curl -F image=@five.png -F model=mnist-convnet" in one["description"]
    assert set(one["requestBody"]["content"]) == {"multipart/form-data", "image/*", "application/octet-stream"}
    assert [parameter["name"] for parameter in one["parameters"]] == ["model", "device", "draft", "name"]
    assert set(several["requestBody"]["content"]) == {"multipart/form-data", "application/zip"}
    assert set(explain["requestBody"]["content"]) == {"multipart/form-data"}
    for operation in (one, several, explain):
        assert set(operation["responses"]) == {"200", "404", "409", "413", "422", "500"}
    answer = described["components"]["schemas"]["PredictionResponse"]["properties"]
    assert set(answer) == set(client.post("/classify", content=FIVE, headers=PNG).json())
    models = described["components"]["schemas"]["ModelsResponse"]["properties"]
    assert set(models) == set(client.get("/models").json())


def test_no_page_of_documentation_fetches_scripts_from_elsewhere(client) -> None:
    assert "cdn." not in client.get("/docs").text
