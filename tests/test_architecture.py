"""The rules of the architecture, read from the source: who may import whom, and what every module carries."""

from __future__ import annotations

import ast
import codecs
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "monai_echosynth"
LAYERS = {
    **dict.fromkeys(("errors", ""), -1),
    **dict.fromkeys(("distributions", "diffusion"), 0),
    **dict.fromkeys(("networks", "losses", "metrics", "transforms", "data"), 1),
    **dict.fromkeys(("inferers", "adaptation", "alignment"), 2),
    **dict.fromkeys(("engines", "handlers"), 3),
    **dict.fromkeys(("workflows", "integrations", "commands", "cli", "__main__"), 4),
}
THIRD_PARTY_FROM = {"monai": 1, "peft": 2, "ignite": 3, "tensorboard": 3, "matplotlib": 4, "psutil": 2}
IMPORT_NAMES = {"pytorch-ignite": "ignite", "pillow": "PIL", "pyyaml": "yaml"}
OPTIONAL = {
    *("itk", "peft", "monailabel", "nnunetv2", "transformers", "torchvision", "torchmetrics", "lpips", "sklearn"),
    *("skimage", "pandas", "cv2", "SimpleITK", "pydicom", "highdicom", "onnx", "onnxruntime", "onnxscript", "timm"),
    *("mlflow", "huggingface_hub", "generative"),
}
MAX_LINES = 350


@dataclass(frozen=True)
class Source:
    """A parsed module of the package."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def part(self) -> str:
        """First name below the package: ``data``, ``cli`` ..., empty for the package itself."""
        first = self.path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        return "" if first == "__init__" else first

    def imports(self, top_level_only: bool = False) -> Iterator[str]:
        """Dotted names of what is imported, ``optional_import("x")`` included."""
        nodes = _top_level(self.tree) if top_level_only else ast.walk(self.tree)
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}: relative import"
                yield str(node.module)
                yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == PACKAGE)
            elif (
                isinstance(node, ast.Call)
                and not top_level_only
                and _called(node) in ("optional_import", "import_module")
            ):
                yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def _called(node: ast.Call) -> str:
    function = node.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run at import: everything outside functions and ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _top_level(node)


@cache
def sources() -> tuple[Source, ...]:
    """All modules of the package."""
    paths = sorted(path for path in (ROOT / PACKAGE).rglob("*.py") if not {"apps", "bundles"} & set(path.parts))
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Source(path, ast.parse(text), text.count("\n")) for path, text in texts)


def each_source() -> pytest.MarkDecorator:
    """One test a module, named by its path."""
    return pytest.mark.parametrize("source", sources(), ids=[str(s.path.relative_to(ROOT)) for s in sources()])


def tracked_files() -> list[Path]:
    """What a clone holds; every file of the folder where there is no git."""
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if git.returncode:
        pytest.skip("tracked files are listed by git")
    return [ROOT / name for name in git.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@each_source()
def test_layers_import_downwards(source: Source) -> None:
    layer = LAYERS[source.part]
    for name in source.imports():
        parts = name.split(".")
        if parts[0] in ("tests", "bundles"):
            pytest.fail(f"imports {name}")
        if parts[0] == PACKAGE and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS[parts[1]] <= layer, f"{source.part} (L{layer}) imports {name}"
        assert THIRD_PARTY_FROM.get(parts[0], -1) <= layer, f"{source.part} (L{layer}) imports {name}"


@pytest.mark.parametrize("part", ["data", "metrics", "losses"])
def test_data_metrics_and_losses_know_no_network(part: str) -> None:
    for source in sources():
        if source.part == part:
            wrong = [name for name in source.imports() if name.startswith(f"{PACKAGE}.networks")]
            assert not wrong, f"{source.path.name} imports {wrong}"


def test_lowest_layer_needs_torch_alone() -> None:
    allowed = {*sys.stdlib_module_names, "torch", PACKAGE}
    for source in sources():
        if LAYERS[source.part] == 0:
            wrong = {name.split(".")[0] for name in source.imports()} - allowed
            assert not wrong, f"{source.path.relative_to(ROOT)} imports {wrong}"


def test_optional_packages_are_imported_lazily_in_one_file_each() -> None:
    users: dict[str, set[str]] = defaultdict(set)
    for source in sources():
        name = str(source.path.relative_to(ROOT))
        eager = {used.split(".")[0] for used in source.imports(top_level_only=True)} & OPTIONAL
        assert not eager, f"{name} imports {eager} at the top"
        for used in source.imports():
            if used.split(".")[0] in OPTIONAL or used.startswith("monai.deploy"):
                users[used.split(".")[0]].add(name)
    assert {package: files for package, files in users.items() if len(files) > 1} == {}


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=! ]", entry)[0] for entry in project["dependencies"]]
    allowed = {IMPORT_NAMES.get(name, name) for name in names} | {PACKAGE} | set(sys.stdlib_module_names)
    for source in sources():
        used = {name.split(".")[0] for name in source.imports(top_level_only=True)}
        assert used <= allowed, f"{source.path.relative_to(ROOT)} needs {used - allowed}"


@each_source()
def test_module_has_docstring_and_all(source: Source) -> None:
    assert ast.get_docstring(source.tree), "no module docstring"
    if source.path.name == "__init__.py" and len(source.tree.body) == 1:
        return
    targets: set[str] = set()
    for node in source.tree.body:
        if isinstance(node, ast.Assign):
            targets |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            targets.add(node.target.id)
    assert "__all__" in targets, "no __all__"
    futures = [node for node in source.tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert futures, "no `from __future__ import annotations`"


@each_source()
def test_sizes(source: Source) -> None:
    assert source.lines <= MAX_LINES
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert length <= 80, f"{node.name} has {length} lines"


@each_source()
def test_no_asserts_and_no_unpickling(source: Source) -> None:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assert):  # for the type checker, at most
            narrowing = ast.unparse(node.test).startswith("isinstance(") or ast.unparse(node.test).endswith(
                " is not None"
            )
            assert narrowing, f"line {node.lineno}: assert is not validation"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
            assert safe, f"line {node.lineno}: torch.load without weights_only=True"
    assert not {"pickle", "dill", "cloudpickle"} & {name.split(".")[0] for name in source.imports()}


def test_tracked_files_name_no_machine_and_no_tool() -> None:
    words = [codecs.decode(word, "rot13") for word in ("pynhqr", "naguebcvp", "pungtcg", "pbcvybg", "bcranv")]
    places = ["/" + place + "/" for place in ("work", "root", "Users", "opt/wheels")] + ["/home/" + r"[a-z]"]
    pattern = re.compile("|".join([*words, *(rf"(?<![\w.:/-]){place}" for place in places)]), re.IGNORECASE)
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_no_frame_of_a_patient_is_tracked() -> None:
    suffixes = (".nii", ".nii.gz", ".mhd", ".raw", ".dcm", ".avi", ".npz", ".npy")
    assert [path.name for path in tracked_files() if path.name.endswith(suffixes)] == []


def test_every_module_imports_with_core_packages_alone() -> None:
    code = f"""
import importlib, pkgutil, sys
blocked = {sorted(OPTIONAL)!r}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
import {PACKAGE}
names = [m.name for m in pkgutil.walk_packages({PACKAGE}.__path__, "{PACKAGE}.") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= len(sources()) / 2
