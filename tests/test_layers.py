"""The layers: who may import whom, and that nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "benchbox"
LEAVES = {"errors"}  # whom everybody may import
ALLOWED = {
    "errors": set(),
    "console": set(),
    "pose": {"pose"},
    "digest": set(),
    "files": set(),
    "entries": {"files"},
    "events": {"files"},
    "contents": set(),
    "records": {"contents", "files"},
    "options": {"options"},
    "config": {"options"},
    "document": {"files"},
    "spec": {"document"},
    "arm": {"config", "digest", "document", "spec"},
    "plan": {"arm", "config", "document", "spec"},
    "lease": set(),
    "jobdir": {"config", "digest", "files", "lease"},
    "saved": {"files"},
    "merge": {"files", "jobdir", "records", "saved"},
    "leftovers": {"files", "jobdir"},
    "catalogue": set(),
    "costs": {"config", "digest", "files"},
    "networks": {"config"},
    "estimate": {"catalogue", "config", "options"},
    "queues": {"queues", "files", "jobdir", "lease"},
    "attention": {"attention"},
    "models": {"models", "attention"},
    "image_header": {"files"},
    "prediction_lists": {"entries"},
    "mat_header": set(),
    "datasets": {"datasets", "entries", "files", "image_header", "mat_header", "pose", "prediction_lists"},
    "engine": {"engine", "files", "pose"},
    "metrics": {"metrics", "entries", "pose"},
    "stats": {"stats", "metrics", "pose"},
    "pictures": {"pictures", "pose"},
    "worker": {
        "worker",
        "pictures",
        "catalogue",
        "config",
        "options",
        "costs",
        "digest",
        "entries",
        "files",
        "jobdir",
        "lease",
        "networks",
        "datasets",
        "models",
        "attention",
        "engine",
        "metrics",
        "stats",
        "records",
        "saved",
        "pose",
    },
    "store": {"records", "jobdir", "saved"},
    "papers": {"papers"},
    "gates": {"gates", "document", "spec", "records", "jobdir", "store", "papers", "metrics", "stats", "pose", "files"},
    "report": {"report", "store", "papers", "metrics", "stats", "records", "jobdir"},
    "figures": {"figures"},
    "page": {"page", "console"},
    "cli": {
        "cli",
        "catalogue",
        "spec",
        "plan",
        "jobdir",
        "leftovers",
        "merge",
        "queues",
        "console",
        "config",
        "digest",
        "files",
        "costs",
        "estimate",
        "image_header",
        "mat_header",
        "networks",
        "prediction_lists",
        "saved",
        "store",
        "papers",
        "metrics",
        "stats",
        "gates",
        "report",
        "figures",
        "page",
        "events",
    },
    "__main__": {"cli"},
    "api": {"cli", "console", "report"},
    "__init__": {"api"},
}
NEVER = {
    "config": {"torch", "pandas", "cv2", "pyarrow", "scipy", "matplotlib", "numpy"},
    "pose": {"torch", "pandas", "pyarrow"},
    "metrics": {"torch"},
    "stats": {"torch", "pandas", "pyarrow"},
    "records": {"torch"},
    "pictures": {"torch", "pandas", "pyarrow"},
    "store": {"torch"},
    "gates": {"torch"},
    "report": {"torch"},
    "figures": {"torch", "pandas", "pyarrow"},
    "events": {"torch", "pandas", "cv2", "pyarrow", "matplotlib", "scipy", "numpy"},
    "page": {"torch", "pandas", "cv2", "pyarrow", "matplotlib", "scipy", "numpy"},
    "cli": {"torch", "pandas", "cv2", "pyarrow", "matplotlib", "scipy"},
}
TORCH_FREE = "options saved document spec arm plan jobdir lease leftovers queues costs estimate networks digest errors"
TORCH_FREE += " image_header mat_header prediction_lists"
NEVER |= {part: NEVER["config"] for part in TORCH_FREE.split()}


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def modules() -> list[tuple[str, Path]]:
    return [
        (".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts), file)
        for file in sorted(PACKAGE.rglob("*.py"))
    ]


def imports(file: Path) -> list[tuple[str, bool]]:
    """Return every imported module, and whether the import stands at the top of the file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            base = node.module or ""
            for alias in node.names:
                name = f"{base}.{alias.name}"
                is_module = (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").exists()
                found.append((name if is_module else base, id(node) in top))
        elif isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
    return found


@pytest.mark.parametrize(("module", "file"), modules(), ids=[name for name, _ in modules()])
def test_a_part_imports_only_what_its_layer_may(module: str, file: Path) -> None:
    part = part_of(module)
    for imported, _ in imports(file):
        if imported.split(".")[0] == "benchbox":
            other = part_of(imported)
            assert other in LEAVES | ALLOWED[part] or imported == "benchbox", f"{module} imports {imported}"
        assert imported.split(".")[0] not in NEVER.get(part, set()), f"{module} imports {imported}"


@pytest.mark.parametrize(("module", "file"), modules(), ids=[name for name, _ in modules()])
def test_no_module_imports_its_own_package(module: str, file: Path) -> None:
    parents = {module.rsplit(".", 1)[0]} - {"benchbox"}
    assert not parents & {name for name, _ in imports(file)}, f"{module} imports its own package"


@pytest.mark.parametrize(("module", "file"), modules(), ids=[name for name, _ in modules()])
def test_imports_stand_at_the_top_but_in_what_is_called_by_people(module: str, file: Path) -> None:
    if part_of(module) in ("cli", "api") or module in ("benchbox.worker.__main__", "benchbox.worker.answers"):
        return
    late = [name for name, top in imports(file) if not top and name.startswith("benchbox")]
    assert not late, f"{module} imports {late} inside functions"


def test_there_is_no_import_cycle() -> None:
    known = {name.removesuffix(".__init__") for name, _ in modules()}
    graph = {
        name.removesuffix(".__init__"): {found for found, top in imports(file) if found in known and top}
        for name, file in modules()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"cycle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in graph[name] - {name}:
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize(("module", "file"), modules(), ids=[name for name, _ in modules()])
def test_files_and_functions_stay_short(module: str, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 320, f"{module} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 62, f"{module}.{node.name} is too long"


def test_no_part_is_named_after_nothing() -> None:
    vague = {"utils", "util", "misc", "common", "helpers", "manager"}
    assert not {part for name, _ in modules() for part in name.split(".")} & vague


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from benchbox.cli.app import app\n"
        f"try: app({words!r})\nexcept SystemExit: pass\n"
        "import benchbox; assert callable(benchbox.table)\n"
        "heavy = {'torch', 'pandas', 'numpy', 'cv2', 'pyarrow', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
