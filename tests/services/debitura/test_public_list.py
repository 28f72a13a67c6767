"""The public list is whole, and this package knows nothing of its neighbours."""

import ast
from pathlib import Path

import pytest

import services.debitura as package
from services.debitura import errors, schemas

FOLDER = Path(package.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))


@pytest.mark.parametrize("module", [package, schemas], ids=lambda module: module.__name__)
def test_what_is_listed_is_there(module: object) -> None:
    assert sorted(module.__all__, key=str.casefold) == sorted(set(module.__all__), key=str.casefold)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_error_is_public() -> None:
    kinds = {name for name, each in vars(errors).items() if isinstance(each, type)}
    own = {name for name in kinds if getattr(errors, name).__module__ == errors.__name__}
    assert own <= set(package.__all__)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_it_imports_http_and_models_only(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    for name in imported:
        assert not name.startswith("services.") or name.startswith("services.debitura"), name
        assert name.partition(".")[0] not in {"os", "streamlit", "plotly", "sqlalchemy", "sqlmodel"}


def test_only_the_transport_sends() -> None:
    senders = {source.name for source in SOURCES if "httpx.Client(" in source.read_text("utf-8")}
    assert senders == {"transport.py"}
