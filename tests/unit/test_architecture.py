"""The rules of ARCHITECTURE.md that a machine can hold."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVING = ROOT / "layers/inference/python/thyroid"
MODEL = ROOT / "layers/model/thyroid_model"
CLIENT = ROOT / "client/thyroid_client"
FUNCTIONS = sorted(path.stem for path in (ROOT / "functions").glob("*.py") if path.stem != "__init__")

OURS = ("layers", "functions", "deploy", "docs", "events", "benchmarks")  # all code but the client and the tests

HTTP_AND_AWS = {"fastapi", "starlette", "mangum", "aws_lambda_powertools", "boto3", "botocore", "uvicorn"}

# Packages of the serving world from the lowest to the highest, and which of the lower ones each may import.
LAYERS: dict[str, set[str]] = {
    "core": set(),
    "telemetry": {"core"},
    "report": {"core"},
    "web": {"core", "telemetry"},
    "files": {"core", "web"},
    "s3": {"core", "telemetry", "files"},
    "batch": {"core", "files"},
    "cli": {"core", "report", "web", "files", "batch"},
}
BELOW_ALL = {"errors", "settings", "quick_start", "phantom"}  # modules beside the packages
MODEL_LAYERS: dict[str, set[str]] = {
    "networks": set(),
    "data": {"networks"},
    "training": {"networks", "data"},
    "compiling": {"networks"},
    "evaluation": {"networks", "data", "training", "compiling"},
}
EDGES = {  # package: what it alone may know of HTTP and AWS
    "web": {"fastapi", "starlette", "mangum", "aws_lambda_powertools"},
    "s3": {"boto3", "botocore", "aws_lambda_powertools"},
    "telemetry": {"aws_lambda_powertools"},
}
MODEL_WORLD = {"tensorflow", "keras", "h5py", "huggingface_hub", "matplotlib", "thyroid_model"}

# Modules of the core in the order in which an image passes through them.
ROAD = [
    "structure",
    "imaging",
    "field_of_view",
    "input_check",
    "preprocessing",
    "options",
    "engine",
    "litert_engine",
    "golden",
    "assessment",
    "png",
    "explain",
    "analysis",
    "audit",
    "analyzer",
]


@cache
def imports(path: Path) -> frozenset[str]:
    """Top-level names of the packages that a file imports, wherever in it."""
    return imported(ast.parse(path.read_text("utf-8")))


def imported(tree: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return frozenset(found)


def relative(path: Path) -> str:
    """Name a file by its path below the repository's root."""
    return str(path.relative_to(ROOT))


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("path", [*modules(SERVING), *modules(ROOT / "functions")], ids=relative)
def test_the_serving_world_never_imports_the_model_world(path: Path) -> None:
    assert not imports(path) & MODEL_WORLD


@pytest.mark.parametrize("path", modules(CLIENT), ids=relative)
def test_the_client_knows_the_service_by_its_answers_alone(path: Path) -> None:
    assert imports(path) <= {"thyroid_client", "httpx", "PIL", "numpy"} | sys.stdlib_module_names


def test_nothing_but_tests_knows_the_client() -> None:
    assert not [path for folder in OURS for path in modules(ROOT / folder) if "thyroid_client" in imports(path)]


def test_the_client_starts_without_numpy() -> None:
    code = "import thyroid_client, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CLIENT.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_client_is_not_in_the_image() -> None:
    assert "thyroid_client" not in (ROOT / "functions/Dockerfile").read_text("utf-8")
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line.startswith("!")]
    assert let_in == ["functions", "layers", "build/weights"]


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Names of the modules that a fresh process has loaded once a module is imported."""
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_without_the_model_world(function: str) -> None:
    assert not loaded_by(f"functions.{function}") & MODEL_WORLD


@pytest.mark.parametrize("path", modules(SERVING), ids=relative)
def test_http_and_aws_are_known_at_the_edges_alone(path: Path) -> None:
    known = EDGES.get(path.relative_to(SERVING).parts[0], set())
    used = {"boto3" if name.startswith("types_boto3") else name for name in imports(path)}
    assert used & HTTP_AND_AWS <= known


@pytest.mark.parametrize("path", [path for folder in OURS for path in modules(ROOT / folder)], ids=relative)
def test_types_of_aws_clients_are_imported_for_the_type_checker_alone(path: Path) -> None:
    """They are not in the image, and not in the environment of who deploys."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    run = {name for name in imported(tree) if name.startswith("types_")}
    assert not run


@pytest.mark.parametrize("path", [*modules(SERVING), *modules(ROOT / "functions")], ids=relative)
def test_the_pdf_library_is_known_where_pages_are_made_alone(path: Path) -> None:
    assert ("reportlab" in imports(path)) <= (path.parent == SERVING / "report")


@pytest.mark.parametrize("path", [*modules(SERVING), *modules(ROOT / "functions")], ids=relative)
def test_settings_alone_read_the_environment(path: Path) -> None:
    if path != SERVING / "settings.py":
        assert "os" not in imports(path)


@pytest.mark.parametrize("step", ROAD)
def test_the_road_of_a_request_goes_one_way(step: str) -> None:
    text = (SERVING / f"core/{step}.py").read_text("utf-8")
    for later in ROAD[ROAD.index(step) + 1 :]:
        assert f"from thyroid.core.{later} import" not in text
        assert later not in imported_from(text, "thyroid.core")


def imported_from(text: str, package: str) -> set[str]:
    """Names that are imported with ``from PACKAGE import``."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == package]
    return {alias.name for node in nodes for alias in node.names}


def packages_of(path: Path, world: str) -> set[str]:
    """Packages and modules directly below a world that a file imports, wherever in it."""
    text = path.read_text("utf-8")
    found = imported_from(text, world)
    for node in ast.walk(ast.parse(text)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[1] for name in modules if name.startswith(f"{world}.")}
    return found


@pytest.mark.parametrize("layers", [LAYERS, MODEL_LAYERS], ids=["serving", "model"])
def test_packages_are_in_an_order_in_which_none_imports_a_higher_one(layers: dict[str, set[str]]) -> None:
    for number, allowed in enumerate(layers.values()):
        assert allowed <= set(list(layers)[:number])


@pytest.mark.parametrize("path", [path for name in LAYERS for path in modules(SERVING / name)], ids=relative)
def test_a_package_imports_lower_packages_alone(path: Path) -> None:
    package = path.relative_to(SERVING).parts[0]
    assert packages_of(path, "thyroid") <= LAYERS[package] | {package} | BELOW_ALL


@pytest.mark.parametrize("path", [path for name in MODEL_LAYERS for path in modules(MODEL / name)], ids=relative)
def test_a_package_of_the_model_world_imports_lower_packages_alone(path: Path) -> None:
    package = path.relative_to(MODEL).parts[0]
    below = {path.stem for path in MODEL.glob("*.py")}
    assert packages_of(path, "thyroid_model") <= MODEL_LAYERS[package] | {package} | below


@pytest.mark.parametrize("path", [SERVING / f"{name}.py" for name in sorted(BELOW_ALL)], ids=relative)
def test_a_module_beside_the_packages_imports_none_of_them(path: Path) -> None:
    assert packages_of(path, "thyroid") <= BELOW_ALL


@pytest.mark.parametrize("path", sorted(MODEL.glob("*.py")), ids=relative)
def test_a_module_beside_the_packages_of_the_model_world_imports_none_of_them(path: Path) -> None:
    assert not packages_of(path, "thyroid_model") & set(MODEL_LAYERS)


@pytest.mark.parametrize("path", [*modules(SERVING), *modules(MODEL), *modules(ROOT / "functions")], ids=relative)
def test_imports_name_their_package(path: Path) -> None:
    """The rules about packages see no relative import."""
    tree = ast.parse(path.read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in SERVING.glob("*/__init__.py")} == set(LAYERS)
    assert {path.parent.name for path in MODEL.glob("*/__init__.py")} == set(MODEL_LAYERS)
    assert {path.stem for path in SERVING.glob("*.py")} == BELOW_ALL | {"__init__", "__main__"}


@pytest.mark.parametrize("path", modules(SERVING / "core"), ids=lambda p: p.stem)
def test_the_core_knows_no_transport(path: Path) -> None:
    """No base64, no schema of a response, no file name, no limit of a request or response."""
    text = path.read_text("utf-8")
    assert not imports(path) & {"base64", "binascii"}
    assert "schemas" not in text
    assert not re.search(r"\bfilename\b|LIMIT\b|6_[0-9]{3}_[0-9]{3}", text)
    read = set(re.findall(r"\bsettings\.(\w+)", text))
    assert read <= {"model_dir", "threads", "parallel", "max_pixels", "refuse_unsuitable", "revision", "Settings"}


def test_there_is_one_engine_protocol() -> None:
    declared = [
        path
        for path in modules(SERVING)
        if re.search(r"^class \w*Engine\w*\(Protocol\)", path.read_text("utf-8"), re.M)
    ]
    assert len(declared) == 1


# What a function must not load at its start, where it is not the rule for those behind the gateway.
KEPT_OUT = {
    "s3_worker": {"fastapi", "starlette", "mangum", "reportlab"},
    "archive_summary": {"fastapi", "starlette", "mangum", "ai_edge_litert", "reportlab"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_at_its_start_only_the_edge_that_it_stands_at(function: str) -> None:
    kept_out = KEPT_OUT.get(function, {"boto3", "ai_edge_litert", "reportlab"})
    assert not loaded_by(f"functions.{function}") & kept_out


@pytest.mark.parametrize(
    ("arguments", "kept_out"),
    [
        (None, HTTP_AND_AWS | MODEL_WORLD | {"ai_edge_litert", "numpy", "pydantic"}),  # before the command is known
        (["--version"], HTTP_AND_AWS | MODEL_WORLD | {"ai_edge_litert"}),
        (["predict", "--help"], HTTP_AND_AWS | MODEL_WORLD | {"ai_edge_litert"}),
        (["report", "--help"], HTTP_AND_AWS | MODEL_WORLD | {"ai_edge_litert", "reportlab"}),
    ],
)
def test_a_command_loads_at_its_start_neither_runtime_nor_web(arguments: list[str] | None, kept_out: set[str]) -> None:
    code = f"""
import sys, thyroid.__main__
try:
    {arguments} and thyroid.__main__.main({arguments})
finally:
    sys.stderr.write(" ".join({kept_out!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
