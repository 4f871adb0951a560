"""From a loaded document to the API that it describes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.apis.openapi.documents import DerivedApi, Operation
from apps.apis.openapi.problems import ProblemList, pointer_to
from apps.apis.openapi.references import References

METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
SUPPORTED: Final = re.compile(r"3\.[01]\.\d+")
LOCATIONS: Final = frozenset({"path", "query", "header", "cookie"})
# Of an operation: only keys with this scope may call it.
REQUIRED_SCOPE: Final = "x-required-scope"
ADMIN: Final = "admin"
MAX_OPERATIONS: Final = 1000
MAX_VERSION_LENGTH: Final = 40
MAX_PATH_LENGTH: Final = 300
_TEMPLATE: Final = re.compile(r"\{([^{}]+)\}")


def derive_api(document: dict[str, Any]) -> DerivedApi:
    """Derive version, texts and operations from a document.

    Raises:
        OpenApiInvalid: with a JSON pointer for each thing that is wrong.
    """
    problems = ProblemList()
    _check_version(document, problems)
    references = References(document, problems)
    references.check_all()
    info = _info(document, problems)
    operations = tuple(_OperationReader(document, references, problems).read_all())
    if not operations and not problems.items:
        problems.add("/paths", "no_operations", _("The document describes no operation."))
    problems.raise_if_any()
    return DerivedApi(
        title=_text(info, "title")[:100],
        version=_text(info, "version"),
        summary=_text(info, "summary")[:200],
        description=_text(info, "description"),
        server_urls=_server_urls(document),
        operations=operations,
    )


def _check_version(document: dict[str, Any], problems: ProblemList) -> None:
    version = document.get("openapi")
    if "swagger" in document and version is None:
        detail = _("This is Swagger 2.0; convert it to OpenAPI 3.0 or 3.1 first.")
        problems.add("/swagger", "unsupported_version", detail)
    elif not isinstance(version, str) or not SUPPORTED.fullmatch(version):
        detail = _("“openapi” must be a version 3.0.x or 3.1.x.")
        problems.add("/openapi", "unsupported_version", detail)
    problems.raise_if_any()


def _info(document: dict[str, Any], problems: ProblemList) -> dict[str, Any]:
    info = document.get("info")
    if not isinstance(info, dict):
        problems.wrong_type("/info", _("an object with “title” and “version”"))
        return {}
    for name in ("title", "version"):
        if not isinstance(info.get(name), str) or not info[name].strip():
            problems.wrong_type(f"/info/{name}", _("a text that is not empty"))
    if len(_text(info, "version")) > MAX_VERSION_LENGTH:
        detail = _("A version has at most %(limit)s characters.") % {"limit": MAX_VERSION_LENGTH}
        problems.add("/info/version", "too_long", detail)
    return info


def _server_urls(document: dict[str, Any]) -> tuple[str, ...]:
    servers = document.get("servers")
    if not isinstance(servers, list):
        return ()
    return tuple(
        server["url"]
        for server in servers
        if isinstance(server, dict) and isinstance(server.get("url"), str)
    )


def _text(mapping: dict[str, Any], name: str) -> str:
    value = mapping.get(name)
    return value.strip() if isinstance(value, str) else ""


class _OperationReader:
    """Reads the operations of a document in its order."""

    def __init__(
        self, document: dict[str, Any], references: References, problems: ProblemList
    ) -> None:
        self._document = document
        self._references = references
        self._problems = problems
        self._ids: dict[str, str] = {}

    def read_all(self) -> Iterator[Operation]:
        paths = self._document.get("paths", {})
        if not isinstance(paths, dict):
            self._problems.wrong_type("/paths", _("an object"))
            return
        count = 0
        for path, item in paths.items():
            if path.startswith("x-"):
                continue
            for operation in self._read_path(path, item):
                count += 1
                if count > MAX_OPERATIONS:
                    detail = _("An API has at most %(limit)s operations.") % {
                        "limit": MAX_OPERATIONS
                    }
                    self._problems.add("/paths", "too_many_operations", detail)
                    return
                yield operation

    def _read_path(self, path: str, raw: Any) -> Iterator[Operation]:
        pointer = pointer_to("paths", path)
        if not path.startswith("/") or len(path) > MAX_PATH_LENGTH:
            detail = _("A path starts with “/” and has at most %(limit)s characters.")
            self._problems.add(pointer, "bad_path", detail % {"limit": MAX_PATH_LENGTH})
            return
        item = self._references.follow(raw, pointer)
        if not isinstance(item, dict):
            self._problems.wrong_type(pointer, _("an object"))
            return
        shared = self._parameters(item.get("parameters", []), f"{pointer}/parameters")
        for method in METHODS:
            if method in item:
                operation = self._read_operation(method, path, item[method], shared)
                if operation:
                    yield operation

    def _read_operation(
        self, method: str, path: str, raw: Any, shared: list[dict[str, Any]]
    ) -> Operation | None:
        pointer = pointer_to("paths", path, method)
        if not isinstance(raw, dict):
            self._problems.wrong_type(pointer, _("an object"))
            return None
        self._check_operation_id(raw, pointer)
        own = self._parameters(raw.get("parameters", []), f"{pointer}/parameters")
        merged = {(item["in"], item["name"]): item for item in (*shared, *own)}
        self._check_template(path, merged, pointer)
        tags = raw.get("tags")
        tag = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else ""
        return Operation(
            method=method.upper(),
            path=path,
            operation_id=_text(raw, "operationId")[:120],
            summary=_text(raw, "summary")[:200],
            description=_text(raw, "description"),
            tag=tag[:80],
            parameters=tuple(merged.values()),
            request_body=self._request_body(raw.get("requestBody"), f"{pointer}/requestBody"),
            responses=self._responses(raw.get("responses", {}), f"{pointer}/responses"),
            is_deprecated=raw.get("deprecated") is True,
            requires_admin=raw.get(REQUIRED_SCOPE) == ADMIN,
        )

    def _check_operation_id(self, raw: dict[str, Any], pointer: str) -> None:
        name = _text(raw, "operationId")
        if name and name in self._ids:
            detail = _("“%(name)s” is used at %(other)s already.") % {
                "name": name[:120],
                "other": self._ids[name],
            }
            self._problems.add(f"{pointer}/operationId", "duplicate", detail)
        elif name:
            self._ids[name] = pointer

    def _check_template(
        self, path: str, parameters: dict[tuple[str, str], dict[str, Any]], pointer: str
    ) -> None:
        for name in _TEMPLATE.findall(path):
            if ("path", name) not in parameters:
                detail = _("The path names {%(name)s}, but no parameter describes it.")
                self._problems.add(pointer, "missing_parameter", detail % {"name": name})

    def _parameters(self, raw: Any, pointer: str) -> list[dict[str, Any]]:
        if not isinstance(raw, list):
            self._problems.wrong_type(pointer, _("a list"))
            return []
        found = []
        for index, entry in enumerate(raw):
            item = self._references.follow(entry, f"{pointer}/{index}")
            if item is None:
                continue
            if (
                not isinstance(item, dict)
                or not _text(item, "name")
                or item.get("in") not in LOCATIONS
            ):
                self._problems.wrong_type(
                    f"{pointer}/{index}", _("a parameter with “name” and “in”")
                )
                continue
            found.append(self._parameter(item, f"{pointer}/{index}"))
        return found

    def _parameter(self, item: dict[str, Any], pointer: str) -> dict[str, Any]:
        schema = self._references.follow(item.get("schema", {}), f"{pointer}/schema")
        return {
            "name": _text(item, "name"),
            "in": item["in"],
            "required": item.get("required") is True or item["in"] == "path",
            "description": _text(item, "description"),
            "schema": schema if isinstance(schema, dict) else {},
            "example": item.get("example"),
        }

    def _request_body(self, raw: Any, pointer: str) -> dict[str, Any] | None:
        body = self._references.follow(raw, pointer)
        if body is None:
            return None
        if not isinstance(body, dict):
            self._problems.wrong_type(pointer, _("an object"))
            return None
        return {
            "required": body.get("required") is True,
            "description": _text(body, "description"),
            "content": self._content(body.get("content", {}), f"{pointer}/content"),
        }

    def _responses(self, raw: Any, pointer: str) -> dict[str, dict[str, Any]]:
        if not isinstance(raw, dict):
            self._problems.wrong_type(pointer, _("an object"))
            return {}
        found = {}
        for status, entry in raw.items():
            place = f"{pointer}/{status}"
            response = self._references.follow(entry, place)
            if isinstance(response, dict):
                content = self._content(response.get("content", {}), f"{place}/content")
                found[status] = {"description": _text(response, "description"), "content": content}
            elif response is not None:
                self._problems.wrong_type(place, _("an object"))
        return found

    def _content(self, raw: Any, pointer: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            self._problems.wrong_type(pointer, _("an object"))
            return {}
        kept = {}
        for media_type, entry in raw.items():
            if isinstance(entry, dict):
                place = f"{pointer}{pointer_to(media_type)}"
                schema = self._references.follow(entry.get("schema", {}), f"{place}/schema")
                kept[media_type] = {"schema": schema, "example": _first_example(entry)}
        return kept


def _first_example(entry: dict[str, Any]) -> Any:
    if "example" in entry:
        return entry["example"]
    examples = entry.get("examples")
    first = next(iter(examples.values()), None) if isinstance(examples, dict) else None
    return first.get("value") if isinstance(first, dict) else None
