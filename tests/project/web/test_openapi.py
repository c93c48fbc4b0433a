"""The document speaks of the errors that are sent."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from project.web.problems import MEDIA_TYPE


@pytest.mark.needs("users")
def test_invalid_input_is_what_it_says(application: FastAPI, client: TestClient) -> None:
    document = application.openapi()
    response = client.post("/api/v1/users/", json={"email": "none"})
    documented = document["paths"]["/api/v1/users/"]["post"]["responses"]["422"]["content"]
    assert list(documented) == [response.headers["content-type"]] == [MEDIA_TYPE]
    schema = document["components"]["schemas"]["Problem"]
    answer: dict[str, Any] = response.json()
    assert answer.keys() <= schema["properties"].keys()
    assert schema["required"] == [name for name in schema["properties"] if name != "errors"]
    assert set(schema["required"]) <= answer.keys()
    error = schema["properties"]["errors"]["items"]
    assert all(found.keys() == error["properties"].keys() for found in answer["errors"])


def test_other_errors_are_mentioned_everywhere(application: FastAPI) -> None:
    document = application.openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert list(operation["responses"]["default"]["content"]) == [MEDIA_TYPE]
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()
