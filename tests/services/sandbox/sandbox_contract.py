"""Judging of answers by the published OpenAPI documents, where these are at hand."""

import json
import os
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

_DEFAULT = Path(__file__).parents[4] / "shared" / "contracts"
FOLDER = Path(os.environ.get("DEBITURA_CONTRACTS", _DEFAULT))
FILES = {"referral": "referral-partner-api.json", "customer": "customer-api.json"}
AVAILABLE = all((FOLDER / name).is_file() for name in FILES.values())

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


@cache
def _document(api: str) -> dict[str, Any]:
    return json.loads((FOLDER / FILES[api]).read_text())


@cache
def operations(api: str) -> set[tuple[str, str]]:
    """Every method and path template of an API."""
    return {
        (method.upper(), path)
        for path, methods in _document(api)["paths"].items()
        for method in methods
        if method != "parameters"
    }


def check(api: str, method: str, template: str, status: int, body: Any) -> None:
    """Assert that an answer is one that the operation declares."""
    declared = _document(api)["paths"][template][method.lower()]["responses"]
    # 429 and 401 are answered in front of the operations and are declared nowhere or bare.
    assert str(status) in declared, f"{method} {template} does not declare {status}"
    content = declared[str(status)].get("content")
    if content is None:
        assert body is None, f"{method} {template} {status} has no body"
        return
    errors = list(_validator(api, method, template, status).iter_errors(body))
    assert not errors, [f"{error.json_path}: {error.message}" for error in errors[:5]]


@cache
def _validator(api: str, method: str, template: str, status: int) -> Draft202012Validator:
    declared = _document(api)["paths"][template][method.lower()]["responses"][str(status)]
    schema = _as_json_schema(declared["content"]["application/json"]["schema"])
    schema["components"] = _components(api)
    return Draft202012Validator(schema, format_checker=_FORMATS)


@cache
def _components(api: str) -> dict[str, Any]:
    schemas = {
        name: _as_json_schema(schema)
        for name, schema in _document(api)["components"]["schemas"].items()
    }
    if "KycStatus" in schemas:
        # Its note: in snake_case on the wire. A reference cannot say that null is possible too.
        schemas["KycStatus"] = {"enum": ["not_required", "pending", "verified", None]}
    return {"schemas": schemas}


def _as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 in the words of JSON Schema: ``nullable`` becomes a type."""
    if isinstance(schema, list):
        return [_as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: _as_json_schema(value)
        for key, value in schema.items()
        if key != "nullable" and not key.startswith("x-")
    }
    if schema.get("nullable") is True and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def template_of(api: str, method: str, path: str) -> str:
    """The contract's path template that a path belongs to; the most literal one wins."""
    fitting = [
        template
        for verb, template in operations(api)
        if verb == method and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
    ]
    assert fitting, f"{method} {path} is not in the contract"
    return min(fitting, key=lambda template: template.count("{"))
