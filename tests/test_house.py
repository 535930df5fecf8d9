"""The rules of the house that no linter knows: size, names, and which packages may be imported where."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jaxnn"
FILES = sorted(PACKAGE.rglob("*.py"))
BESIDE = sorted(file for folder in ("tests", "experiments") for file in (ROOT / folder).rglob("*.py"))
MOST_LINES = 300
BASE = {"jax", "jaxlib", "optax", "flax", "chex", "numpy", "safetensors"}
EDGES = {"cli", "plots", "estimators", "interop", "export"}

LIST_MODULES = """
import sys
for name in {names!r}:
    __import__(name)
print(*sorted({{name.split('.')[0] for name in sys.modules}} - set(sys.stdlib_module_names)))
"""


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def loaded_after(*packages: str) -> set[str]:
    """Top-level packages in a fresh interpreter that has imported these."""
    command = [sys.executable, "-c", LIST_MODULES.format(names=packages)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def imports_at_the_top(tree: ast.Module) -> Iterator[str]:
    """Packages that importing the module imports; what a function imports when it is called is left out."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_files_can_be_read_in_one_sitting():
    assert not [name(file) for file in (*FILES, *BESIDE) if len(file.read_text("utf-8").splitlines()) > MOST_LINES]


def test_modules_say_what_they_are():
    assert not [name(file) for file in FILES if not ast.get_docstring(parsed(file))]


def test_no_module_is_a_drawer_for_odds_and_ends():
    assert not [name(file) for file in FILES if file.stem in {"utils", "util", "helpers", "misc", "common"}]


def test_optional_packages_stay_at_the_edges():
    inner = [file for file in FILES if file.relative_to(PACKAGE).parts[0].removesuffix(".py") not in EDGES]
    foreign = {name(file): set(imports_at_the_top(parsed(file))) - BASE - {"jaxnn"} - sys.stdlib_module_names for file in inner}
    assert not {file: packages for file, packages in foreign.items() if packages}


def test_importing_jaxnn_imports_nothing_that_its_base_packages_do_not():
    assert loaded_after("jaxnn") - loaded_after(*sorted(BASE)) <= {"jaxnn"}


def test_every_package_that_is_asked_for_is_pinned():
    pins = re.findall(r"^([\w.-]+)==\S+", (ROOT / "constraints.txt").read_text("utf-8"), flags=re.MULTILINE)
    assert packages_of(*pyproject()["dependencies"], "jaxnn-toolkit[test]") <= set(pins)


def packages_of(*wanted: str) -> set[str]:
    """Their names; of the project itself those of the extras in brackets, and of the extras that these name."""
    extras, found = pyproject()["optional-dependencies"], set()
    for package in wanted:
        name, inside = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", package).groups()
        own = name == "jaxnn-toolkit"
        found |= packages_of(*(asked for extra in inside.split(",") for asked in extras[extra])) if own else {name}
    return found


def test_every_extra_is_tested_or_needs_what_the_tests_can_not_have():
    """Servers, notebooks and peers: stubs stand for them."""
    untested = {"ipywidgets", "mlflow", "wandb", "keras", "torch"}
    extras = pyproject()["optional-dependencies"]
    assert packages_of(*(f"jaxnn-toolkit[{extra}]" for extra in extras)) - packages_of("jaxnn-toolkit[test]") == untested


def test_the_readme_tells_every_extra():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not [extra for extra in pyproject()["optional-dependencies"] if f"| `{extra}` |" not in readme]
