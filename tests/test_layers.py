"""The arrows between the packages go one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FILES = sorted(
    path.relative_to(PROJECT)
    for package in ("dashboard", "services")
    for path in (PROJECT / package).rglob("*.py")
)


def tree(path: Path) -> ast.Module:
    return ast.parse((PROJECT / path).read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, by its whole name, wherever in the file it does."""
    package = ".".join(path.parent.parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(base) if node.level else ""
            module = ".".join(filter(None, (start, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def lies_in(path: Path, package: str) -> bool:
    return within(".".join(path.with_suffix("").parts), package)


FORBIDDEN = [
    ("dashboard", ("httpx", "sqlalchemy", "sqlmodel", "sqlite3", "alembic")),
    ("services", ("streamlit", "plotly", "dashboard")),
    ("services.store", ("services.debitura", "services.sync", "services.sandbox", "httpx")),
    ("services.debitura", ("services.store", "services.sync", "services.sandbox", "sqlmodel")),
]
ONLY_OWN = ["services.sandbox", "services.domain", "services.debitura"]
"""Packages that import nothing of ours but themselves."""


@pytest.mark.parametrize(("package", "others"), FORBIDDEN, ids=str)
def test_a_package_does_not_know_what_lies_above_or_beside_it(
    package: str, others: tuple[str, ...]
) -> None:
    wrong = [
        f"{path}: {name}"
        for path in FILES
        if lies_in(path, package)
        for name in imports(path)
        if any(within(name, other) for other in others)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ONLY_OWN)
def test_a_package_stands_on_its_own(package: str) -> None:
    wrong = [
        f"{path}: {name}"
        for path in FILES
        if lies_in(path, package)
        for name in imports(path)
        if (within(name, "services") or within(name, "dashboard")) and not within(name, package)
        # ``from services import …`` names the parent as well as what is taken from it.
        if name != "services"
    ]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    allowed = {Path("services/settings.py"), Path("dashboard/supervise.py")}
    reads = [
        node.lineno
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv", "environb"})
    ]
    assert reads == [] or path in allowed


def test_the_supervisor_reads_nothing_of_the_environment_but_its_own_pipe() -> None:
    reads = [
        ast.unparse(node)
        for node in ast.walk(tree(Path("dashboard/supervise.py")))
        if isinstance(node, ast.Call) and "environ" in ast.unparse(node.func)
    ]
    assert reads == ["os.environ.get(PARENT_PIPE)"]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_lets_html_through(path: Path) -> None:
    keywords = [node.arg for node in ast.walk(tree(path)) if isinstance(node, ast.keyword)]
    assert "unsafe_allow_html" not in keywords


def test_these_rules_see_imports_of_every_kind(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "import httpx.one as h\nfrom services import store\n"
        "def f():\n    from sqlmodel import select\n"
    )
    assert list(imports(file)) == [
        "httpx.one",
        "services",
        "services.store",
        "sqlmodel",
        "sqlmodel.select",
    ]
