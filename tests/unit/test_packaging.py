"""What is shipped: the wheel, built from the sdist, is complete, and migrations are found in every installation."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import wch_peewee
from wch_peewee import Plugin

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "wch_peewee", "migrations"]
# Runs without the checkout on the path, and tells which package answered.
FIND = "import wch_peewee.migrate.folder as m; print(m.__file__); print(m.migrations_folder())"


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(python: str | Path, *arguments: str, cwd: Path) -> list[str]:
    done = subprocess.run([python, *arguments], cwd=cwd, env=clean(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def numbered(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[0-9][0-9][0-9]_*.py")}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources: setuptools writes beside them, and would ship leftovers of an earlier build."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    # Without isolation nothing is downloaded: setuptools is in the test extra.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(checkout), cwd=checkout)
    return out


@pytest.fixture
def fresh_python(tmp_path: Path) -> tuple[Path, Path]:
    """The python and site-packages of a new environment; it has our dependencies, and no wch_peewee."""
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    paths = {"base": str(home), "platbase": str(home)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    python = Path(sysconfig.get_path("scripts", "venv", vars=paths)) / "python"
    # A path in a .pth file brings in the modules there, without that folder's own .pth files: no editable install.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python, site


def unpack(wheel: Path, site: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def test_the_wheel_holds_every_file_and_nothing_else(checkout: Path, built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    expected = {path.relative_to(checkout).as_posix() for path in (checkout / "wch_peewee").rglob("*.py")}
    expected |= {f"wch_peewee/migrations/{path.name}" for path in (checkout / "migrations").glob("*.py")}
    expected |= {"wch_peewee/py.typed", "wch_peewee/migrations/shipped.json", "wch_peewee/wordpress/php/evaluate.php"}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected
    assert numbered(checkout / "migrations"), "there is no migration to ship"


def test_the_wheel_names_its_dependencies_and_entry_points(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{info}/METADATA").decode()
        points = configparser.ConfigParser()
        points.read_string(archive.read(f"{info}/entry_points.txt").decode())
        assert any(name.endswith("LICENSE") for name in archive.namelist())
    required = {line.partition(": ")[2] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")}
    unconditional = {re.split(r"[\[<>=! ;(]", line)[0].lower() for line in required if "extra ==" not in line}
    assert unconditional == {"peewee", "peewee-migrate", "pymysql", "click", "rich"}
    assert "Requires-Python: >=3.11" in metadata
    assert dict(points["console_scripts"]) == {"wch": "wch_peewee.cli:main"}
    assert dict(points["wch"]) == {"wch_peewee": "wch_peewee.install.hooks"}


def test_the_sdist_holds_what_it_is_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "setup.cfg",
        "pyproject.toml",
        "LICENSE",
        "wch_peewee/py.typed",
        "migrations/conf.py",
        "migrations/shipped.json",
    } <= held


def test_migrations_are_found_in_an_installed_wheel(
    checkout: Path, built: Path, fresh_python: tuple[Path, Path], tmp_path: Path
) -> None:
    python, site = fresh_python
    (wheel,) = built.glob("*.whl")
    unpack(wheel, site)
    module, folder = run(python, "-c", FIND, cwd=tmp_path)
    assert Path(module).is_relative_to(site)
    assert Path(folder) == (site / "wch_peewee" / "migrations").resolve()
    assert numbered(Path(folder)) == numbered(checkout / "migrations")


def test_migrations_are_found_through_an_editable_install(
    checkout: Path, fresh_python: tuple[Path, Path], tmp_path: Path
) -> None:
    python, site = fresh_python
    build = "import sys, setuptools.build_meta as backend; backend.build_editable(sys.argv[1])"
    run(sys.executable, "-c", build, str(tmp_path), cwd=checkout)
    (wheel,) = tmp_path.glob("*.whl")
    unpack(wheel, site)
    module, folder = run(python, "-c", FIND, cwd=tmp_path)
    assert Path(module).is_relative_to(checkout)
    assert Path(folder) == checkout / "migrations"


def test_migrations_are_found_in_a_plain_checkout(
    checkout: Path, fresh_python: tuple[Path, Path], tmp_path: Path
) -> None:
    python, _ = fresh_python
    module, folder = run(python, "-c", FIND, cwd=checkout)
    assert Path(module).is_relative_to(checkout)
    assert Path(folder) == checkout / "migrations"


def test_missing_migrations_are_one_clear_line(fresh_python: tuple[Path, Path], tmp_path: Path) -> None:
    python, site = fresh_python
    ignored = shutil.ignore_patterns("__pycache__", "migrations")
    shutil.copytree(ROOT / "wch_peewee", site / "wch_peewee", ignore=ignored)
    # Somebody else's folder of that name is not taken for ours.
    (site / "migrations").mkdir()
    (site / "migrations" / "001_theirs.py").touch()
    catch = f"""
from wch_peewee.errors import ConfigurationError
try:
    {FIND}
except ConfigurationError as error:
    print(error)
"""
    *_, said = run(python, "-c", catch, cwd=tmp_path)
    assert said.startswith("No migrations are installed: ")
    assert said.endswith("Reinstall wch-peewee.")


def test_importing_the_package_imports_neither_the_command_nor_peewee_migrate() -> None:
    program = "import sys, wch_peewee; print(*{name.partition('.')[0] for name in sys.modules})"
    (loaded,) = run(sys.executable, "-c", program, cwd=ROOT)
    assert {"wch_peewee"} == {"wch_peewee", "peewee_migrate", "click", "rich"} & set(loaded.split())


def test_an_admin_init_with_nothing_to_do_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """It runs in every request of a host: modules that plan, change or describe tables are not loaded."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    Plugin(url).activate()
    program = (
        f"import sys, wch_peewee; assert wch_peewee.Plugin({url!r}, verify_every=0).admin_init().outcome == 'current'; "
        "print(*sys.modules)"
    )
    loaded = run(sys.executable, "-c", program, cwd=ROOT)[0].split()
    assert [name for name in loaded if name.startswith("wch_peewee.schema.")] == [
        "wch_peewee.schema.base",
        "wch_peewee.schema.naming",
        "wch_peewee.schema.sqlite",
        "wch_peewee.schema.sqlite.base",
    ]
    others = {"models.base", "models.tables", "install.manager", "execution.context", "execution.lock", "migrate.state"}
    assert others.isdisjoint(name.removeprefix("wch_peewee.") for name in loaded)


def test_the_version_is_that_of_setup_cfg() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert wch_peewee.__version__ == setup["metadata"]["version"]


def test_type_checkers_read_the_public_names_from_the_same_modules() -> None:
    """They do not run the package's __getattr__, but read imports that never run."""
    tree = ast.parse((ROOT / "wch_peewee" / "__init__.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    read = {alias.asname: node.module for node in imports for alias in node.names}
    assert read == wch_peewee._MODULE_OF
    assert list(read) == [alias.name for node in imports for alias in node.names]
    assert wch_peewee.__all__ == sorted(read)


def test_pyproject_has_three_lines() -> None:
    assert len((ROOT / "pyproject.toml").read_text().splitlines()) == 3


def test_what_is_installed_from_a_checkout_works_inside_of_it(
    checkout: Path, built: Path, fresh_python: tuple[Path, Path], tmp_path: Path
) -> None:
    """As in the README's first command. An author, who would change the installed copy, is told to say which."""
    python, site = fresh_python
    (wheel,) = built.glob("*.whl")
    unpack(wheel, site)
    command = ("-P", "-m", "wch_peewee", "--database", f"sqlite:///{tmp_path / 'tried.db'}")
    assert run(python, *command, "activate", cwd=checkout)[-1] == "Success: Installed version 1.0.0."
    assert run(python, *command, "check", cwd=checkout)
    refused = subprocess.run(
        [python, *command, "new", "more"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "there are others in" in refused.stderr) == (78, True)


def test_a_migration_is_written_into_a_clone_and_not_into_an_installed_package(
    checkout: Path, built: Path, fresh_python: tuple[Path, Path], tmp_path: Path
) -> None:
    """A clone has the repository's name, which is also the package's."""
    clone = tmp_path / "wch_peewee"
    shutil.copytree(checkout, clone, symlinks=True)
    python, site = fresh_python
    command = ("-m", "wch_peewee", "new", "--empty", "more")
    assert "Wrote 002_more.py" in run(python, *command, cwd=clone)[-1]
    assert (clone / "migrations" / "002_more.py").exists()
    (wheel,) = built.glob("*.whl")
    unpack(wheel, site)
    refused = subprocess.run(
        [python, *command], cwd=site.parent, env=clean(), capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "Cannot write into the migrations of an installed" in refused.stderr) == (78, True)
    assert not (site / "wch_peewee" / "migrations" / "002_more.py").exists()
