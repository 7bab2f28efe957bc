"""Zero dates, empty enums and NULL documents survive the migrations, by every command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import NEWEST
from tests.support.php_rows import ROWS, leave_behind_without_php, raw
from wch_peewee import DatabaseManager, WchError
from wch_peewee.migrate import steps
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.schema.objects import Column, varchar

pytestmark = pytest.mark.families("mysql", "mariadb")


def contents(database: LiveDatabase) -> dict[str, list[dict[str, object]]]:
    return {key: raw(database, key) for key in ROWS}


def test_with_wch(installed: LiveDatabase, chain: Path) -> None:
    leave_behind_without_php(installed)
    before = contents(installed)
    manager = DatabaseManager(installed.url, migrations=chain)
    manager.run_migrations()
    assert manager.status().version == NEWEST
    while manager.status().version != "1.0.0":
        manager.rollback(manager.status().applied[-1], allow_loss=True)
    assert contents(installed) == before


@pytest.mark.parametrize("configured", [True, False], ids=["conf.py", "no conf.py"])
def test_with_stock_pw_migrate(installed: LiveDatabase, chain: Path, tmp_path: Path, configured: bool) -> None:
    """Without conf.py the connection is peewee-migrate's, with the server's default SQL mode."""
    if configured:
        shutil.copy(migrations_folder() / "conf.py", chain)
    leave_behind_without_php(installed)
    before = contents(installed)
    history = () if configured else ("--migratetable", "wp_wch_migratehistory")
    for arguments in (("migrate", *history), ("rollback", "--count", "6", *history)):
        done = pw_migrate(*arguments, "--database", installed.url, folder=chain, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert contents(installed) == before


def test_a_step_on_somebody_elses_connection_leaves_its_settings_as_they_were(installed: LiveDatabase) -> None:
    leave_behind_without_php(installed)
    before = contents(installed)
    settings = "SELECT @@SESSION.sql_mode, @@SESSION.lock_wait_timeout, @@SESSION.innodb_lock_wait_timeout"
    installed.execute("SET SESSION sql_mode = 'NO_ZERO_DATE,ANSI_QUOTES', lock_wait_timeout = 77")
    own = installed.execute(settings)
    wider = Column("coupon_code", varchar(80), nullable=True)
    for column in (wider, Column("coupon_code", varchar(50), nullable=True)):
        steps.alter_column(installed.database, "carts", column)
        assert installed.execute(settings) == own
    installed.execute("UPDATE wp_wch_carts SET coupon_code = 'twenty characters...' WHERE id = 2")
    with pytest.raises(WchError, match="coupon_code"):
        steps.alter_column(installed.database, "carts", Column("coupon_code", varchar(10), nullable=True))
    assert installed.execute(settings) == own
    installed.execute("UPDATE wp_wch_carts SET coupon_code = NULL WHERE id = 2")
    assert contents(installed) == before
