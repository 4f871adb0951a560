"""Commands that call an operation, to be copied into a shell.

The documents come from strangers, and people run what they copy: everything that a document says is quoted for the shell.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final
from urllib.parse import quote, urlencode

from apps.apis.models import Endpoint

KEY_HEADER: Final = "X-Api-Key: $TOLLGATE_KEY"
MAX_EXAMPLE_DEPTH: Final = 4
_TEMPLATE: Final = re.compile(r"\{([^{}]+)\}")
_BY_TYPE: Final[dict[str, Any]] = {
    "string": "string",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
}


def curl_for(endpoint: Endpoint, *, base_url: str) -> str:
    """Return a curl command for an operation, with examples for what it needs."""
    lines = [f"curl {shlex.quote(base_url + _path_of(endpoint) + _query_of(endpoint))}"]
    if endpoint.method == "HEAD":
        lines[0] = lines[0].replace("curl ", "curl --head ", 1)
    elif endpoint.method != "GET":
        lines[0] = lines[0].replace("curl ", f"curl -X {endpoint.method} ", 1)
    lines.append(f'-H "{KEY_HEADER}"')
    body = _json_body(endpoint)
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def _path_of(endpoint: Endpoint) -> str:
    examples = {item["name"]: item for item in endpoint.parameters if item["in"] == "path"}

    def fill(match: re.Match[str]) -> str:
        found = _example(examples.get(match[1], {}))
        # Braces would mean something to curl, so a missing example is shouted.
        return quote(str(match[1].upper() if found is None else found), safe="")

    return _TEMPLATE.sub(fill, endpoint.path)


def _query_of(endpoint: Endpoint) -> str:
    needed = [item for item in endpoint.parameters if item["in"] == "query" and item["required"]]
    values = {item["name"]: _example(item) for item in needed}
    pairs = {name: name.upper() if value is None else value for name, value in values.items()}
    return f"?{urlencode(pairs)}" if pairs else ""


def _example(parameter: dict[str, Any]) -> Any:
    """Return what the author gave as an example: of the parameter, or of its schema."""
    schema = parameter.get("schema") or {}
    given = (parameter.get("example"), schema.get("example"), schema.get("default"))
    listed = schema.get("enum")
    return next((item for item in given if item is not None), listed[0] if listed else None)


def _json_body(endpoint: Endpoint) -> str | None:
    content = (endpoint.request_body or {}).get("content", {})
    if "application/json" not in content:
        return None
    entry = content["application/json"]
    example = entry.get("example")
    if example is None:
        example = example_of(entry.get("schema") or {})
    return json.dumps(example, ensure_ascii=False)


def example_of(schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that fits a schema roughly: its example, its default, or something of its type."""
    for name in ("example", "default", "const"):
        if name in schema:
            return schema[name]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    properties = schema.get("properties")
    if isinstance(properties, dict) and depth < MAX_EXAMPLE_DEPTH:
        return {
            name: example_of(inner, depth + 1)
            for name, inner in properties.items()
            if isinstance(inner, dict)
        }
    kind = schema.get("type", "object")
    return _BY_TYPE.get(kind if isinstance(kind, str) else "string", {})
