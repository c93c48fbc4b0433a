"""Which changes of an OpenAPI document break those who rely on the older one.

Who sends keeps sending what was right: nothing more may be demanded, nothing taken away. Who
receives keeps reading what was promised: nothing may be missing, or be of another kind. Own code,
because the well-kept tools for it are no Python.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Document = Mapping[str, Any]
Schema = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SUCCESS = "2"
CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Name what a client of the old document cannot do, or rely on, any more."""
    return list(dict.fromkeys(_Comparison(old, new).document()))


class _Side(NamedTuple):
    """Who reads a schema: a server what is sent to it, or a client what it receives."""

    sends: bool
    place: str

    def at(self, name: str) -> "_Side":
        return self._replace(place=f"{self.place}.{name}")


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def document(self) -> Iterator[str]:
        for path, operations in self.old.get("paths", {}).items():
            for method in METHODS:
                if method not in operations:
                    continue
                name = f"{method.upper()} {path}"
                operation = self.new.get("paths", {}).get(path, {}).get(method)
                if operation is None:
                    yield f"{name} is gone"
                else:
                    yield from self._operation(name, operations[method], operation)

    def _operation(self, name: str, old: Document, new: Document) -> Iterator[str]:
        yield from self._parameters(name, old.get("parameters", []), new.get("parameters", []))
        yield from self._body(f"{name}: body", old.get("requestBody"), new.get("requestBody"))
        for status, response in old.get("responses", {}).items():
            if not status.startswith(SUCCESS):
                continue
            place = f"{name}: {status}"
            if status not in new.get("responses", {}):
                yield f"{place} is not answered any more"
                continue
            contents = response.get("content", {}), new["responses"][status].get("content", {})
            yield from self._contents(_Side(sends=False, place=place), *contents)

    def _parameters(self, name: str, old: list[Any], new: list[Any]) -> Iterator[str]:
        before = {(one["in"], one["name"]): one for one in old}
        after = {(one["in"], one["name"]): one for one in new}
        for key, parameter in before.items():
            place = f"{name}: {key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{place} is gone"
                continue
            side = _Side(sends=True, place=place)
            yield from self._schema(side, parameter.get("schema", {}), after[key].get("schema", {}))
        for key, parameter in after.items():
            was_required = before.get(key, {}).get("required", False)
            if parameter.get("required") and not was_required:
                yield f"{name}: {key[0]} parameter {key[1]} is required now"

    def _body(self, place: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is not None and new.get("required") and not (old and old.get("required")):
            yield f"{place} is required now"
        if old is not None:
            contents = old.get("content", {}), (new or {}).get("content", {})
            yield from self._contents(_Side(sends=True, place=place), *contents)

    def _contents(self, side: _Side, old: Document, new: Document) -> Iterator[str]:
        for kind, content in old.items():
            if kind not in new:
                yield f"{side.place} is not {kind} any more"
            else:
                schemas = content.get("schema", {}), new[kind].get("schema", {})
                yield from self._schema(side, *schemas)

    def _schema(self, side: _Side, old: Schema, new: Schema) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""), side.sends)
        if all(pair[:2]):
            if pair in self._seen:  # said once, and no end where a schema holds itself
                return
            self._seen.add(pair)
        old, new = _resolve(self.old, old), _resolve(self.new, new)
        variants = _variants(old), _variants(new)
        if len(variants[0]) > 1 or len(variants[1]) > 1:
            yield from self._alternatives(side, *variants)
        else:
            yield from self._same_kind(side, variants[0][0], variants[1][0])

    def _alternatives(self, side: _Side, old: list[Schema], new: list[Schema]) -> Iterator[str]:
        """Each alternative that the one side may use has to be one that the other knows."""
        used, known = (old, new) if side.sends else (new, old)
        for one in used:
            if not any(self._fits(side, *_in_order(side, one, other)) for other in known):
                kind = _kind(_resolve(self.old if side.sends else self.new, one))
                verb = "may not be" if side.sends else "may be"
                now = "any more" if side.sends else "now"
                yield f"{side.place} {verb} {kind} {now}"

    def _fits(self, side: _Side, old: Schema, new: Schema) -> bool:
        """Whether nothing breaks. A trial: what it has looked at is not said yet."""
        trial = _Comparison(self.old, self.new)
        trial._seen = set(self._seen)
        return not list(trial._same_kind(side, old, new))

    def _same_kind(self, side: _Side, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolve(self.old, old), _resolve(self.new, new)
        if _kind(old) != _kind(new):
            yield f"{side.place} is {_kind(new)} and was {_kind(old)}"
            return
        yield from _values(side, old, new)
        yield from self._properties(side, old, new)
        if "items" in old and "items" in new:
            yield from self._schema(side.at("[]"), old["items"], new["items"])

    def _properties(self, side: _Side, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name not in after:
                yield f"{side.at(name).place} is gone"
            else:
                yield from self._schema(side.at(name), schema, after[name])
        was, now = set(old.get("required", ())), set(new.get("required", ()))
        if side.sends:
            yield from (f"{side.at(name).place} is required now" for name in sorted(now - was))
        else:
            lost = sorted((was - now) & after.keys())
            yield from (f"{side.at(name).place} may be missing now" for name in lost)


def _values(side: _Side, old: Schema, new: Schema) -> Iterator[str]:
    """Compare what values are allowed; who receives is not harmed by fewer of them."""
    used, known = (old, new) if side.sends else (new, old)
    if "enum" in known:
        strange = [value for value in used.get("enum", ["others"]) if value not in known["enum"]]
        if strange:
            verb = "may not be" if side.sends else "may be"
            yield f"{side.place} {verb} {', '.join(map(str, strange))} now"
    if side.sends:
        yield from _limits(side, old, new)


def _limits(side: _Side, old: Schema, new: Schema) -> Iterator[str]:
    for name in (*CEILINGS, *FLOORS, "pattern"):
        before, now = old.get(name), new.get(name)
        if now is None or now == before:
            continue
        is_wider = before is not None and (
            (name in CEILINGS and now > before) or (name in FLOORS and now < before)
        )
        if not is_wider:
            yield f"{side.place}: {name} is {now} and was {'none' if before is None else before}"


def _in_order(side: _Side, used: Schema, known: Schema) -> tuple[Schema, Schema]:
    """Old first, new second."""
    return (used, known) if side.sends else (known, used)


def _resolve(document: Document, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _variants(schema: Schema) -> list[Schema]:
    variants: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return variants


def _kind(schema: Schema) -> str:
    """What JSON value it is, and of which format: `string (date-time)`."""
    kind = schema.get("type")
    if kind is None and "const" in schema:
        return json.dumps(schema["const"])
    name = kind if isinstance(kind, str) else "/".join(kind or ["anything"])
    return f"{name} ({schema['format']})" if "format" in schema else name
