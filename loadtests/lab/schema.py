"""The JSON Schema of a result: `python -m loadtests.lab.schema` writes `schema.json` anew."""

import json
from pathlib import Path

from loadtests.lab.result import SCHEMA, Result

FILE = Path(__file__).with_name("schema.json")


def text() -> str:
    """What the file holds."""
    schema = Result.model_json_schema(by_alias=True, mode="serialization")
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
