"""The shape of the code: short files and functions, no circles, no doors through the wall."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import spel

HOME = Path(spel.__file__).parent
STATIC = HOME / "studio" / "web" / "static"
FILES = sorted(HOME.rglob("*.py"))
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50
MOST_COLUMNS_OF_JAVASCRIPT = 120
HEAVY = ("spel.sklearn", "spel.plot", "spel.studio.web", "spel.backends.torch_")  # load packages
PARTICIPLES = {"told", "asked", "kept", "seen", "settled", "found", "known", "given"}
BY_NAME = {
    "__init__.py",
    "lazy.py",
    "backends/__init__.py",
    "cli/main.py",
}  # public names and commands are loaded when first used


def title(path: Path) -> str:
    return str(path.relative_to(HOME))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def module_name(path: Path) -> str:
    parts = ("spel", *path.relative_to(HOME).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in FILES}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its decorators, signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def imported(path: Path, nodes: Iterator[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Modules of the package, each with the name that is taken from it, if one is."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_name(path).split(".") + [""] * (path.name == "__init__.py")
            start = ".".join(package[: -node.level]) if node.level else ""
            source = ".".join(part for part in (start, node.module) if part)
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield (whole, None) if whole in NAMES else (source, alias.name)


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only type checkers read."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from at_run_time(child)


@pytest.mark.parametrize("path", FILES, ids=title)
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES_OF_A_FILE, f"{title(path)} has {lines} lines: split it by ideas"
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = code_lines(node)
            assert size <= MOST_LINES_OF_A_FUNCTION, f"{title(path)}: {node.name} has {size} lines"


def test_lines_of_browser_code_are_short() -> None:
    for path in sorted(STATIC.rglob("*.js")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= MOST_COLUMNS_OF_JAVASCRIPT, f"{title(path)}:{number} is too long"


def test_no_file_imports_itself_through_others() -> None:
    graph = {
        name: {m for m, _ in imported(path, at_run_time(tree(path))) if m in NAMES} - {name}
        for name, path in NAMES.items()
        if path.name != "__init__.py"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of files: " + " -> ".join(error.args[1]))


@pytest.mark.parametrize("path", FILES, ids=title)
def test_private_names_stay_in_their_file(path: Path) -> None:
    for source, name in imported(path, ast.walk(tree(path))):
        if source.startswith("spel") and name and name.startswith("_") and not name.endswith("__"):
            assert name == "_native", f"{title(path)} takes the private name {name} from {source}"


@pytest.mark.parametrize("path", FILES, ids=title)
def test_the_package_is_never_imported_by_a_string(path: Path) -> None:
    if title(path) in BY_NAME:
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            assert not re.search(r"['\"]\.?spel|f['\"]", ast.unparse(node)), (
                f"{title(path)}:{node.lineno}: import-linter cannot see this import"
            )


@pytest.mark.parametrize("path", FILES, ids=title)
def test_imports_of_the_package_stand_at_the_top(path: Path) -> None:
    if title(path) in BY_NAME or path.is_relative_to(HOME / "cli"):
        return  # commands load what they need when they are called, so that `spel --help` is quick
    inside = {
        source
        for function in ast.walk(tree(path))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for source, _ in imported(path, ast.walk(function))
        if source.startswith("spel") and not source.startswith(HEAVY)
    }
    assert not inside, f"{title(path)} imports {sorted(inside)} inside a function"


@pytest.mark.parametrize("path", FILES, ids=title)
def test_names_are_nouns_and_verbs(path: Path) -> None:
    for node in ast.walk(tree(path)):
        for name in bound_names(node):
            words = set(name.strip("_").lower().split("_")) & PARTICIPLES
            assert not words or name.endswith("_"), (  # scikit-learn's own attributes end so
                f"{title(path)}:{node.lineno}: {name}: name the thing, not what was done to it"
            )


def bound_names(node: ast.AST) -> list[str]:
    """What a node names: a function, class, parameter, variable or attribute."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return [node.attr]
    return []
