"""What breaks clients is named; what does not is let pass."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from project.web.compatibility import breaking_changes

Document = dict[str, Any]
Change = Callable[[Document], object]

ITEM = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string", "maxLength": 50},
        "state": {"type": "string", "enum": ["new", "sold"]},
        "owner": {"$ref": "#/components/schemas/Owner"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
OWNER = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "boss": {"$ref": "#/components/schemas/Owner"}},
}
DOCUMENT = {
    "paths": {
        "/items": {
            "get": {
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}
                        }
                    },
                    "404": {"content": {"application/json": {"schema": {"type": "string"}}}},
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}
                    }
                },
                "responses": {"201": {}},
            },
        }
    },
    "components": {"schemas": {"Sent": ITEM, "Taken": deepcopy(ITEM), "Owner": OWNER}},
}


def get(document: Document) -> Document:
    operation: Document = document["paths"]["/items"]["get"]
    return operation


def post(document: Document) -> Document:
    operation: Document = document["paths"]["/items"]["post"]
    return operation


def sent(document: Document) -> Document:
    schema: Document = document["components"]["schemas"]["Sent"]
    return schema


def taken(document: Document) -> Document:
    schema: Document = document["components"]["schemas"]["Taken"]
    return schema


def after(change: Change) -> list[str]:
    new = deepcopy(DOCUMENT)
    change(new)
    return breaking_changes(DOCUMENT, new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["paths"].clear(), "GET /items is gone"),
        (lambda d: d["paths"]["/items"].pop("post"), "POST /items is gone"),
        (lambda d: get(d)["parameters"].clear(), "query parameter limit is gone"),
        (
            lambda d: get(d)["parameters"].append({"in": "query", "name": "q", "required": True}),
            "query parameter q is required now",
        ),
        (
            lambda d: get(d)["parameters"][0].update(schema={"type": "integer", "maximum": 9}),
            "limit: maximum is 9 and was none",
        ),
        (lambda d: get(d)["responses"].pop("200"), "200 is not answered any more"),
        (
            lambda d: get(d)["responses"]["200"]["content"].clear(),
            "200 is not application/json any more",
        ),
        (lambda d: sent(d)["properties"].pop("name"), "200.name is gone"),
        (lambda d: sent(d)["required"].remove("id"), "200.id may be missing now"),
        (
            lambda d: sent(d)["properties"].update(id={"type": "string"}),
            "200.id is string and was integer",
        ),
        (
            lambda d: sent(d)["properties"]["id"].update(format="int64"),
            "200.id is integer (int64) and was integer",
        ),
        (
            lambda d: sent(d)["properties"]["state"]["enum"].append("lost"),
            "200.state may be lost now",
        ),
        (
            lambda d: sent(d)["properties"].update(
                id={"anyOf": [{"type": "integer"}, {"type": "null"}]}
            ),
            "200.id may be null now",
        ),
        (
            lambda d: sent(d)["properties"]["tags"].update(items={"type": "integer"}),
            "200.tags.[] is integer and was string",
        ),
        (
            lambda d: d["components"]["schemas"]["Owner"]["properties"].pop("email"),
            "200.owner.email is gone",
        ),
        (lambda d: post(d)["requestBody"].update(required=True), "body is required now"),
        (lambda d: taken(d)["required"].append("state"), "body.state is required now"),
        (lambda d: taken(d)["properties"].pop("note"), "body.note is gone"),
        (
            lambda d: taken(d)["properties"].update(note={"type": "string"}),
            "body.note may not be null any more",
        ),
        (
            lambda d: taken(d)["properties"]["state"]["enum"].remove("new"),
            "body.state may not be new now",
        ),
        (
            lambda d: taken(d)["properties"]["name"].update(maxLength=10),
            "body.name: maxLength is 10 and was 50",
        ),
    ],
)
def test_breaking(change: Change, said: str) -> None:
    found = after(change)
    assert any(line.endswith(said) for line in found), found


def test_each_alternative_is_looked_into() -> None:
    """Both hold the same schema, and what was found in the first counts in the second, too."""

    def either(*fields: str) -> Document:
        holder = {"type": "object", "properties": {"boss": {"$ref": "#/components/schemas/Boss"}}}
        schemas = {
            "One": {**holder, "required": ["boss"]},
            "Two": holder,
            "Boss": {"type": "object", "properties": {name: {"type": "string"} for name in fields}},
        }
        either = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("One", "Two")]}
        content = {"application/json": {"schema": either}}
        return {
            "paths": {"/": {"get": {"responses": {"200": {"content": content}}}}},
            "components": {"schemas": schemas},
        }

    assert breaking_changes(either("name", "email"), either("name")) != []
    assert breaking_changes(either("name"), either("name", "email")) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["paths"].update({"/new": {"get": {"responses": {}}}}),
        lambda d: get(d)["parameters"].append({"in": "query", "name": "q", "schema": {}}),
        lambda d: get(d)["responses"].pop("404"),
        lambda d: sent(d)["properties"].update(more={"type": "string"}),
        lambda d: sent(d)["required"].append("state"),
        lambda d: sent(d)["properties"]["state"]["enum"].remove("sold"),
        lambda d: sent(d)["properties"].update(note={"type": "string"}),
        lambda d: sent(d)["properties"]["name"].update(maxLength=10),
        lambda d: taken(d)["required"].remove("name"),
        lambda d: taken(d)["properties"].update(more={"type": "string"}),
        lambda d: taken(d)["properties"]["state"]["enum"].append("lost"),
        lambda d: taken(d)["properties"]["name"].update(maxLength=100),
        lambda d: taken(d)["properties"].update(
            id={"anyOf": [{"type": "integer"}, {"type": "null"}]}
        ),
    ],
)
def test_harmless(change: Change) -> None:
    assert after(change) == []
