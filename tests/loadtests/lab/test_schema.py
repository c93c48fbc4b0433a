"""The JSON Schema of results, which other programs may rely on."""

import json

from loadtests.lab.result import SCHEMA, Result
from loadtests.lab.schema import FILE, text
from tests.loadtests.lab.test_result import a_result


def test_the_file_is_what_the_models_say() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `python -m loadtests.lab.schema`"


def test_a_document_has_what_the_schema_requires() -> None:
    schema, document = json.loads(text()), json.loads(a_result().model_dump_json(by_alias=True))
    assert schema["$id"] == document["schema"] == SCHEMA
    assert set(schema["required"]) <= set(document) <= set(schema["properties"])
    assert Result.model_validate(document).kind == "run"
