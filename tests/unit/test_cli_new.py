"""``wch new`` and ``wch check --models``: files, questions, refusals and output."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.command import Result, wch
from wch_peewee.migrate.folder import migrations_folder

MODELS = """
from wch_peewee.models import tables as models
from wch_peewee.models.base import BaseModel
from wch_peewee.models.fields import IdField, JsonField, UtcDateTimeField, VarcharField, utc_now


class Cart(BaseModel):
    id = IdField()
    customer_phone = VarcharField(20, unique=True)
    items = JsonField(list, null=True)
{more}
    shipping_address = JsonField(dict, null=True)
    expires_at = UtcDateTimeField(index=True)
    created_at = UtcDateTimeField(default=utc_now)
    updated_at = UtcDateTimeField(default=utc_now)

    class Meta:
        table_key = "carts"


MODELS = tuple(Cart if model.__name__ == "Cart" else model for model in models.MODELS)
"""
AS_IT_IS = "    coupon_code = VarcharField(50, null=True)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its own models and migrations, as the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "migrations").mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", tmp_path / "migrations")
    declare(AS_IT_IS)
    return tmp_path / "migrations"


def declare(*lines: str) -> None:
    Path("shop_models.py").write_text(MODELS.format(more="\n".join(lines)), encoding="utf-8")
    sys.modules.pop("shop_models", None)


def new(*arguments: str, **options: str) -> Result:
    return wch("new", "--models", "shop_models", "--migrations", "migrations", *arguments, **options)


def check(*arguments: str) -> Result:
    return wch("check", "--models", "shop_models", "--migrations", "migrations", *arguments)


def test_models_and_migrations_that_agree(folder: Path) -> None:
    assert check().code == 0
    assert check().err == ""
    result = new("nothing")
    assert (result.code, result.out) == (1, "Nothing was written: the models and the migrations agree.\n")
    assert new("nothing", "--format", "json").json == {"file": None, "differences": []}
    assert len(list(folder.glob("*.py"))) == 1
    assert not Path("wch.db").exists()


def test_what_is_written_is_what_was_missing(folder: Path) -> None:
    channel = '    channel = VarcharField(10, default="web", index=True)'
    declare(AS_IT_IS.replace("50", "60"), channel)
    result = check()
    assert (result.code, result.out.splitlines()) == (
        1,
        [
            "Not in the migrations: Change type of carts.coupon_code from varchar(50) to varchar(60)",
            "Not in the migrations: Add column carts.channel",
            "Not in the migrations: Add index carts KEY `channel` (`channel`)",
            "The models and the migrations differ: wch new NAME writes the missing migration.",
        ],
    )
    assert check("--format", "json").json["differences"][1]["words"] == "Add column carts.channel"
    result = new("Cart channel", "--patch")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-2].startswith("Tried forward and back on SQLite ")
    assert result.out.splitlines()[-1] == (
        "Success: Wrote 002_cart_channel.py, version 1.0.1. Read it, then run: "
        "wch --models shop_models --migrations migrations migrate"
    )
    assert check().code == 0
    assert new("again").code == 1


def test_the_version_counts_up(folder: Path) -> None:
    declare()
    for part, version in (("--major", "2.0.0"), ("--minor", "1.1.0"), ("--patch", "1.0.1")):
        result = new("bare", "--drop", "carts.coupon_code", part, "--dry-run")
        assert f'VERSION = "{version}"' in result.out
        assert 'steps.unstamp, database, "1.0.0")' in result.out
    assert len(list(folder.glob("*.py"))) == 1


def test_a_rename_is_never_guessed() -> None:
    declare("    voucher = VarcharField(50, null=True)")
    result = new("voucher")
    assert (result.code, result.out) == (78, "")
    assert result.err == (
        "Error: carts.coupon_code was removed, and voucher was added: use --rename carts.coupon_code:voucher, "
        "or --drop carts.coupon_code if it is not needed.\n"
    )
    renamed = new("voucher", "--rename", "carts.coupon_code:voucher", "--dry-run")
    assert 'migrator.run(steps.rename_column, database, "carts", "coupon_code", "voucher")' in renamed.out
    assert "drop_column" not in renamed.out
    dropped = new("voucher", "--drop", "carts.coupon_code", "--dry-run")
    assert "steps.drop_column" in dropped.out
    assert "steps.decide" not in dropped.out


@pytest.mark.parametrize(("answer", "step"), [("y\n", "steps.rename_column"), ("n\n", "steps.decide")])
def test_on_a_terminal_it_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, step: str) -> None:
    declare("    voucher = VarcharField(50, null=True)")
    monkeypatch.setattr("wch_peewee.cli.new._can_ask", lambda: True)
    result = new("voucher", "--dry-run", answer=answer)
    assert result.code == 0
    assert "carts.coupon_code was removed. Was it renamed to voucher? [y/N]" in result.text
    assert step in result.out


def test_what_only_the_author_knows_is_marked(folder: Path) -> None:
    declare(AS_IT_IS, "    source = VarcharField(10)")
    result = new("source")
    assert "The file has 1 question (steps.decide); it does not run until you answer." in result.out
    file = folder / "002_source.py"
    refused = check()
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(
        "Error: 002_source has an open question (steps.decide in its file): carts.source is NOT NULL without "
    )
    lines = file.read_text().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if "steps.decide(" in line)
    end = next(number for number, line in enumerate(lines) if number >= start and line.endswith(")\n"))
    file.write_text("".join(lines[:start] + lines[end + 1 :]))
    assert check().code == 0


def test_a_template_for_rows(folder: Path) -> None:
    result = new("fill carts", "--empty")
    assert result.code == 0
    text = (folder / "002_fill_carts.py").read_text()
    assert "batches.run_in_batches" in text
    assert check().err.startswith("Error: 002_fill_carts has an open question (steps.decide in its file): ")
    (folder / "002_fill_carts.py").write_text(re.sub(r"(?s)    steps\.decide\(.*?\n    \)\n", "", text))
    assert check().code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rename", "coupon_code:code"], "expected table.old:new, as in messages.note:remark."),
        (["--rename", "cart.coupon_code:code"], "unknown table cart; expected one of "),
        (["--rename", "carts.items:code"], "items must be only in the migrations, and code only in the models"),
        (["--drop", "carts.items"], "--drop carts.items does not match"),
        (["--models", "no_such_module"], "no_such_module cannot be imported (ModuleNotFoundError"),
        (["--models", "shop_models:Nothing"], "found no models; expected MODULE:NAME"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], words: str) -> None:
    declare("    code = VarcharField(50, null=True)")
    result = new("x", *arguments)
    assert (result.code, result.out) == (78, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_a_name_needs_words() -> None:
    declare()
    assert "is not a name for a migration; expected words" in new("--", "-!-").err


def test_an_installed_package_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wch_peewee.migrate.folder.migrations_folder", lambda: Path("site/wch_peewee/migrations"))
    result = wch("new", "x")
    assert result.code == 78
    assert "use --migrations FOLDER, or install a checkout with pip install -e ." in result.err


def test_a_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    declare()
    monkeypatch.setattr("wch_peewee.cli.new.migration_path", lambda folder, name: Path("gone/002_x.py"))
    result = new("x", "--drop", "carts.coupon_code")
    assert (result.code, result.out) == (78, "")
    assert result.err == "Error: gone/002_x.py cannot be written: No such file or directory.\n"


@pytest.mark.parametrize("arguments", [["--models", "--network"], ["--migrations", "--network"], ["--record"]])
def test_options_that_do_not_go_together(arguments: list[str]) -> None:
    assert wch("check", *arguments).code == 64


@pytest.mark.parametrize("option", [["--rename", "carts.a:b"], ["--drop", "carts.a"]])
def test_an_empty_migration_asks_for_no_names(option: list[str], folder: Path) -> None:
    assert new("x", "--empty", *option).code == 64
    assert [path.name for path in folder.glob("*.py")] == ["001_initial_schema.py"]
