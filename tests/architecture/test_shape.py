"""Modules and functions stay small enough to be read at a glance."""

from __future__ import annotations

import ast

from tests.architecture.sources import Source, sources

MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6
MAX_MODELS = 12
# In an app that has more models than that.
MAX_IN_MODULE = 8


def test_modules_are_short() -> None:
    long = {item.path: item.line_count for item in sources() if item.line_count > MAX_MODULE_LINES}

    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{item.at(function)} {function.name}": body_lines(function)
        for item in sources()
        for function in item.functions()
        if body_lines(function) > MAX_FUNCTION_LINES
    }

    assert long == {}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines after the docstring; a long explanation is not a long function."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_take_few_parameters() -> None:
    many = {
        f"{item.at(function)} {function.name}": count
        for item in sources()
        for function in item.functions()
        if (count := parameter_count(function)) > MAX_PARAMETERS and not is_excused(item, function)
    }

    assert many == {}


def parameter_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([item for item in named if item.arg not in {"self", "cls"}])


def is_excused(item: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A definition that says why (`# noqa: PLR0913 -- reason`) is excused."""
    line = item.text.splitlines()[function.lineno - 1]
    return "PLR0913 -- " in line


def test_many_models_are_split_by_subject() -> None:
    """An app of more than twelve tables keeps them in modules of a package (docs/adr/0017)."""
    counts: dict[str, dict[str, int]] = {}
    for item in sources():
        if item.app and item.inner.startswith("models"):
            classes = [node for node in item.tree.body if isinstance(node, ast.ClassDef)]
            models = [node for node in classes if any(is_model(base) for base in node.bases)]
            counts.setdefault(item.app, {})[item.inner] = len(models)
    large = {app: found for app, found in counts.items() if sum(found.values()) > MAX_MODELS}
    crowded = {app: n for app, found in large.items() if (n := max(found.values())) > MAX_IN_MODULE}

    assert crowded == {}


def is_model(base: ast.expr) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    return name in {"Model", "Entity"}
