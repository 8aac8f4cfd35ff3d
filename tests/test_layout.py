"""The layout of src/iverson: who may import whom, how long a file may be, and what no file may call.

The files are parsed, never imported, so the checks hold for files whose libraries are not installed. Every
check is a function of the tree it looks at and returns a list of complaints, so that the tests below can
plant a mistake in a temporary tree and see it caught. What the files compute is none of its business.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from textwrap import dedent

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "src" / "iverson"

# Folder -> its files and folders in reading order: each imports only from what stands before it. A new file
# is added here, at its place. A folder's own __init__ comes last in it unless it is named.
ORDER = {
    "":           ("core", "lang", "rewrite", "rules", "meaning", "derivation", "explain", "emit", "second", "diagnosis", "notes", "run",
                    "smoothing", "convex", "training", "targets", "results", "conversion", "benchmark", "api", "directions", "testing", "__init__",
                    "faces", "__main__"),
    "core":       ("errors", "affine", "node", "program"),
    "lang":       ("surface", "tokens", "ops", "structure", "show", "advice", "syntax", "scope", "doubts", "ranges", "sizes", "blocks", "shapes",
                    "kinds", "numpy_sizes", "numpy_text", "numpy_values", "numpy_elementwise", "numpy_arrays", "numpy_loops", "numpy_parts",
                    "numpy_moves", "numpy_series", "numpy_calls", "numpy_torch", "numpy_reader", "numpy_turns", "numpy_invoked", "numpy_effects",
                    "numpy_statements", "numpy_src", "latex_words", "latex_tokens", "latex_split", "latex_tree", "latex_stream", "latex_parse",
                    "latex_symbols", "latex_values", "latex_names", "latex_sums", "latex_calls", "latex_reader", "latex_formulas", "latex_refusals",
                    "latex_account", "latex", "preamble", "read", "whole", "lower", "show_latex", "show_unicode", "show_numpy"),
    "rewrite":    ("rule", "match", "trace", "collapse"),
    "rules":      ("calculus", "index", "matrix", "names", "facts", "convexity", "stable", "exact", "operators", "words", "mistakes"),
    "meaning":    ("functions", "whole", "dense", "watch", "structure", "admit", "surface_eval", "reference", "sample", "midpoint", "boundary",
                    "kinks", "verify", "undefined"),
    "derivation": ("tidy", "ties", "extent", "polish", "differential", "local", "recognise", "roots", "reverse", "lift", "index_form", "naming",
                    "signs", "declared", "monomial", "combine", "answer", "structure", "parts", "interval", "semidefinite", "curvature",
                    "conventions", "notes", "derive", "products", "vectorized", "einsum"),
    "explain":    ("lines", "steps", "reasons", "frame", "chapters", "wording", "blocks", "text", "markdown", "latex", "explanation"),
    "emit":       ("dialects", "windows", "plan", "rowwise", "reads", "contractions", "arrays", "numpy_code", "boosting", "one_pass",
                    "framework_dialects", "framework_blocks", "frameworks", "framework_calls", "split", "blocked", "native_math", "native_products",
                    "native_run", "native_values", "native_fusion", "native_passes", "native", "native_units", "native_sparse"),
    "diagnosis":  ("counterexample", "values", "slips", "variants", "causes", "replay", "candidate", "frameworks", "function", "telling",
                    "diagnose", "steps", "verdict", "notes", "layers", "objectives"),
    "notes":      ("source", "document", "parser", "values", "scope", "marks", "instance", "slopes", "calls", "dots", "sums", "evaluate", "judge",
                    "claims", "causes", "counterexample", "findings", "report", "record", "interpreter", "code", "lint"),
    "run":        ("problem", "labels", "sheet", "sources", "data", "model", "solvers", "fit", "streams", "blocks", "cache", "compiler", "door",
                    "stages", "kernel", "cluster"),
    "faces":      ("options", "cli", "operators", "web", "notebook", "sklearn"),
    "faces/web":  (),
    "second":     ("pieces", "matrices", "assemble", "blockwise"),
}

MAX_LINES = 600     # the house wishes for 400; docs/design.md names the files above it
TYPING_ONLY = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
TEXTS = {".py", ".md", ".rst", ".txt", ".ipynb", ""}
HEAVY = {"scipy", "torch", "jax", "sklearn", "rich", "click", "opt_einsum"}

# Builtins that run text, and modules that run what they load or are given.
RUNS_TEXT = {"eval", "exec", "compile"}
RUNS_DATA = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "numexpr"}
EMIT_MAY = {"exec", "compile"}

Parts = tuple[str, ...]    # a module below iverson: ("core", "node"); a package is its ("core", "__init__")


# ---- reading the tree

def modules(package: Path) -> dict[Parts, Path]:
    """Every Python file of the package, by its place in it."""
    return {path.relative_to(package).with_suffix("").parts: path for path in sorted(package.rglob("*.py"))}


def place(parts: Parts) -> tuple[int, ...] | None:
    """Position in reading order, to be compared as tuples are; None where ORDER does not know the module."""
    at = []
    for depth, name in enumerate(parts):
        row = ORDER.get("/".join(parts[:depth]))
        if row is None or name not in (*row, "__init__"):
            return None
        at.append((*row, "__init__").index(name))
    return tuple(at)


def visible(node: ast.AST, lazily: bool) -> Iterator[ast.AST]:
    """All nodes below, less what only a type checker sees and, unless `lazily`, less function bodies."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in TYPING_ONLY:
            yield from visible(ast.Module(body=child.orelse, type_ignores=[]), lazily)
            continue
        yield child
        if lazily or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from visible(child, lazily)


def imported_names(node: ast.AST, folder: Parts) -> Iterator[tuple[str, str]]:
    """(module, name taken from it or "") of an import statement or an import_module("...") in the folder."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = ("iverson", *folder)[: len(folder) + 2 - node.level] if node.level else ()
        module = ".".join([*above, *([node.module] if node.module else [])])
        yield from ((module, alias.name) for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if called in ("__import__", "import_module", "importlib.import_module"):
            name = str(node.args[0].value)
            yield (".".join(("iverson", *folder)) + name if name.startswith(".") else name), ""


def own_module(module: str, name: str, known: dict[Parts, Path]) -> Parts | None:
    """The file of this package that the import reaches; None for other packages."""
    root, *rest = module.split(".")
    if root != "iverson":
        return None
    for parts in ((*rest, name), (*rest,)):
        for file in (parts, (*parts, "__init__")):
            if file in known or (place(file) is not None and "/".join(file) not in ORDER):
                return file
    return tuple(rest)


def imports(package: Path) -> Iterator[tuple[Parts, int, Parts]]:
    """(importing module, line, imported module) in the package. What an __init__ defers does not count."""
    known = modules(package)
    for parts, path in known.items():
        for node in visible(ast.parse(path.read_text("utf-8")), lazily=parts[-1] != "__init__"):
            for module, name in imported_names(node, parts[:-1]):
                target = own_module(module, name, known)
                if target is not None and target != parts:
                    yield parts, getattr(node, "lineno", 0), target


def dotted(parts: Parts) -> str:
    return ".".join(("iverson", *parts)).removesuffix(".__init__")


def file_of(parts: Parts) -> str:
    return "/".join(("src", "iverson", *parts)) + ".py"


# ---- the checks

def unplaced(package: Path) -> list[str]:
    """Files that ORDER does not know."""
    return [f"{file_of(parts)} is in no row of ORDER: add it to tests/test_layout.py at its place, "
            f"after everything it imports (row {'/'.join(parts[:-1])!r})"
            for parts in modules(package) if place(parts) is None]


def misdirected(package: Path) -> list[str]:
    """Imports from below, and imports by a face of anything but api, errors and other faces."""
    return [f"{file_of(parts)}:{line} imports {dotted(target)}, {why}"
            for parts, line, target in imports(package) if (why := objection(parts, target))]


def objection(parts: Parts, target: Parts) -> str | None:
    if parts[0] == "faces":
        allowed = target[0] == "faces" or target in (("api",), ("core", "errors"))
        return None if allowed else "but a face imports only iverson.api, iverson.core.errors and other faces"
    here, there = place(parts), place(target)
    if there is None:
        return "which is in no row of ORDER in tests/test_layout.py"
    if here is not None and there > here:
        return "which stands below it: a file imports only from what stands above it in ORDER"
    return None


def cycles(package: Path) -> list[str]:
    """The first circle of imports found, if there is one."""
    graph: dict[Parts, set[Parts]] = {}
    for parts, _, target in imports(package):
        graph.setdefault(parts, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return ["imports go round in a circle: " + " <- ".join(map(dotted, found.args[1]))]
    return []


def too_long(package: Path) -> list[str]:
    """Files that should be two. The tables in rules/ are as long as there are facts."""
    lengths = {parts: len(path.read_text("utf-8").splitlines()) for parts, path in modules(package).items()}
    return [f"{file_of(parts)} has {n} lines; the limit is {MAX_LINES}"
            for parts, n in lengths.items() if n > MAX_LINES and parts[0] != "rules"]


def dangerous(package: Path) -> list[str]:
    """Uses of anything that runs text or loaded data, under any name it can be reached by in the source."""
    return [f"{file_of(parts)}:{getattr(node, 'lineno', 0)} uses {name}, which runs what a user supplies"
            for parts, path in modules(package).items()
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if (name := danger(node)) and not (parts[0] == "emit" and name in EMIT_MAY)]


def danger(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) if name in RUNS_TEXT | {"sympify"}:
            return name
        case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in RUNS_TEXT:
            return name
        case ast.Attribute(attr="sympify"):
            return "sympify"
        case ast.keyword(arg="allow_pickle", value=value) if ast.unparse(value) != "False":
            return "allow_pickle"
    roots = {module.partition(".")[0] for module, _ in imported_names(node, ())}
    names = {name for module, name in imported_names(node, ()) if module == "builtins"}
    return next(iter(sorted(roots & RUNS_DATA | names & RUNS_TEXT)), None)


def users_of_sympy(project: Path) -> list[str]:
    """Lines that import sympy, in the source, the README and the documentation."""
    places = [*project.glob("src/**/*.py"), *project.glob("README*"), *project.glob("docs/**/*")]
    takes_sympy = re.compile(r'^[\s>."]*(?:In \[\d*\]: )?(?:import|from)\s+sympy\b')
    return [f"{path.relative_to(project)}:{number} imports sympy"
            for path in sorted(places) if path.suffix in TEXTS and path.is_file()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if takes_sympy.match(line)]


def loaded_by_import(src: Path) -> set[str]:
    """Top-level names that `import iverson` adds to sys.modules in a fresh interpreter."""
    return set(printed_afresh(src, """
        before = set(sys.modules)
        import iverson
        answer = {name.partition(".")[0] for name in set(sys.modules) - before}
    """))


def hidden_by_a_folder(src: Path) -> list[str]:
    """Public names that importing the folder of the same name (derive, check, ...) turns into that module."""
    folders = sorted(path.name for path in (src / "iverson").iterdir() if path.is_dir())
    return printed_afresh(src, f"""
        import importlib, types, iverson
        public = set({folders}) & set(getattr(iverson, "__all__", ()))
        modules = [importlib.import_module("iverson." + name) for name in public]
        answer = [name for name in public if isinstance(getattr(iverson, name), types.ModuleType)]
    """)


def printed_afresh(src: Path, script: str) -> list[str]:
    """The script's `answer`, sorted, from an interpreter of its own that looks for packages in src first."""
    text = "\n".join(["import json, sys", f"sys.path.insert(0, {str(src)!r})", dedent(script),
                      "print(json.dumps(sorted(answer)))"])
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- this tree has none of these faults

CHECKS = [unplaced, misdirected, cycles, too_long, dangerous]


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
def test_the_package_is_laid_out_as_designed(check):
    assert not (found := check(PACKAGE)), "\n" + "\n".join(found)


def test_nothing_imports_sympy():
    assert not (found := users_of_sympy(PROJECT)), "\n" + "\n".join(found)


def test_import_iverson_loads_nothing_heavy():
    assert not loaded_by_import(PACKAGE.parent) & HEAVY


def test_no_public_function_is_hidden_by_a_folder_of_its_name():
    assert not hidden_by_a_folder(PACKAGE.parent)


# ---- and a planted fault is caught

PLANTED = [    # check, file, what stands in it, the complaint
    (misdirected, "core/node.py",     "import ast\nimport iverson.lang.ops",       ":2 imports iverson.lang"),
    (misdirected, "core/errors.py",   "from .node import Node",                    "core.node, which"),
    (misdirected, "core/errors.py",   "from . import node",                        "core.node, which"),
    (misdirected, "core/errors.py",   "from ..lang import show",                   "lang.show, which"),
    (misdirected, "core/errors.py",   "import numpy, iverson.api as api",          "iverson.api,"),
    (misdirected, "core/errors.py",   "from iverson import anything",              "iverson,"),
    (misdirected, "core/errors.py",   "from iverson.core import Node",             "iverson.core,"),
    (misdirected, "core/errors.py",   "def f():\n import iverson.api",             ":2 imports iverson.api"),
    (misdirected, "core/errors.py",   "import_module('iverson.api')",              "iverson.api,"),
    (misdirected, "core/errors.py",   "if TYPE_CHECKING: 0\nelse: import iverson", ":2 imports iverson,"),
    (misdirected, "core/errors.py",   "import iverson.kore.x",                     "kore.x, which is in no"),
    (misdirected, "core/__init__.py", "from iverson.lang import show",             "lang.show, which"),
    (misdirected, "api.py",           "from iverson.faces import cli",             "faces.cli, which"),
    (misdirected, "faces/cli.py",     "from iverson.lang.show import text",        "lang.show, but a face"),
    (misdirected, "faces/web/app.py", "import iverson.core.node",                  "core.node, but a face"),
    (unplaced,    "core/extra.py",    "",                                          "in no row of ORDER: add"),
    (unplaced,    "utils/paths.py",   "",                                          "in no row of ORDER: add"),
    (too_long,    "core/node.py",     "x = 1\n" * 601,                             "has 601 lines"),
    (dangerous,   "run/data.py",      "f = eval",                                  "uses eval"),
    (dangerous,   "run/data.py",      "exec('x')",                                 "uses exec"),
    (dangerous,   "run/data.py",      "compile('x', '', 'eval')",                  "uses compile"),
    (dangerous,   "run/data.py",      "import builtins\nbuiltins.eval('1')",       "uses eval"),
    (dangerous,   "run/data.py",      "from builtins import exec as run",          "uses exec"),
    (dangerous,   "run/data.py",      "from pickle import loads as read",          "uses pickle"),
    (dangerous,   "run/data.py",      "import numexpr.necompiler",                 "uses numexpr"),
    (dangerous,   "run/data.py",      "s.sympify('1')",                            "uses sympify"),
    (dangerous,   "run/data.py",      "load(f, allow_pickle=True)",                "uses allow_pickle"),
    (dangerous,   "emit/native.py",   "eval('1')",                                 "uses eval"),
]

INNOCENT = {
    "__init__.py":           "def __getattr__(name):\n from iverson import api, faces",
    "__main__.py":           "from iverson.faces.cli import main",
    "core/__init__.py":      "from iverson.core.node import Node",
    "core/node.py":          "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n from iverson import api",
    "lang/show.py":          "from iverson.core import Node, errors\nfrom . import surface",
    "rules/words.py":        "W = 1\n" * 601,
    "emit/native.py":        "exec(compile('', '', 'exec'))",
    "run/data.py":           "import re\nre.compile('x')\nmodel.eval()\nload(f, allow_pickle=False)",
    "faces/cli.py":          "from ..api import run\nfrom iverson.core import errors\nfrom . import web",
    "faces/web/__init__.py": "import iverson.api",
}


def plant(files: dict[str, str], package: Path) -> Path:
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, "utf-8")
    return package


@pytest.mark.parametrize(("check", "name", "text", "complaint"), PLANTED)
def test_a_planted_fault_is_caught(check, name, text, complaint, tmp_path):
    found = check(plant({name: text}, tmp_path / "iverson"))
    assert len(found) == 1 and complaint in found[0] and f"src/iverson/{name}" in found[0], found


def test_a_planted_circle_is_caught(tmp_path):
    plant({"faces/cli.py": "from . import web", "faces/web/__init__.py": "from ..cli import main"}, tmp_path)
    assert cycles(tmp_path) == [
        "imports go round in a circle: iverson.faces.cli <- iverson.faces.web <- iverson.faces.cli"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
def test_innocent_files_pass(check, tmp_path):
    assert check(plant(INNOCENT, tmp_path / "iverson")) == []


@pytest.mark.parametrize("line", [
    "import sympy", "  from sympy import log", ">>> import sympy", '"import sympy"', "In [1]: import sympy"])
def test_a_planted_sympy_is_caught(line, tmp_path):
    (tmp_path / "README.md").write_text("We do not import sympy.\n" + line, "utf-8")
    assert users_of_sympy(tmp_path) == ["README.md:2 imports sympy"]


def test_a_planted_heavy_import_is_caught(tmp_path):
    plant({"__init__.py": "import iverson.api", "api.py": "import click.core"}, tmp_path / "iverson")
    assert loaded_by_import(tmp_path) & HEAVY == {"click"}


def test_a_planted_hidden_function_is_caught(tmp_path):
    late = "__all__ = ['derive']\ndef __getattr__(name):\n from iverson import api\n return api.derive"
    plant({"__init__.py": late,
           "api.py": "import iverson.derive.reverse\ndef derive(): ...",
           "derive/__init__.py": "", "derive/reverse.py": ""}, tmp_path / "iverson")
    assert hidden_by_a_folder(tmp_path) == ["derive"]
