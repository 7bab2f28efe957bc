"""The command on every engine: the statements it sends, what it leaves, and how it ends if the server refuses."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import peewee
import pytest

from tests.support.accounts import PASSWORD, account
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.wordpress_folders import make_options
from wch_peewee import DatabaseManager
from wch_peewee.execution.lock import lock_name

READING = ("status", "check", "plan", "schema", "doctor")
NAMES = ("conversations", "messages", "carts", "customer_profiles", "broadcast_campaigns", "sync_queue")
CART = "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES (%s, %s, %s, %s)"
NOW = "2026-01-01 00:00:00"


def store(database: LiveDatabase, version: str) -> None:
    database.execute("UPDATE wp_options SET option_value = %s WHERE option_name = 'wch_db_version'", [version])


def drop_index(database: LiveDatabase) -> None:
    """Drop an index, so that there is something to repair."""
    sqlite = database.family == "sqlite"
    database.execute("DROP INDEX wp_wch_carts_expires_at" if sqlite else "DROP INDEX expires_at ON wp_wch_carts")


def test_activate_twice_sends_nothing_the_second_time(database: LiveDatabase) -> None:
    first = wch("activate", database=database.url)
    assert (first.code, first.out.splitlines()[-1]) == (0, "Success: Installed version 1.0.0.")
    with database.statements() as seen:
        second = wch("activate", database=database.url)
    assert (second.code, second.out) == (0, "Success: Already up to date (version 1.0.0).\n")
    assert seen.writes == []
    assert [wch(command, database=database.url).code for command in READING] == [0] * len(READING)


@pytest.mark.parametrize("command", READING)
def test_reading_writes_nothing(database: LiveDatabase, command: str) -> None:
    with database.statements() as seen:
        wch(command, database=database.url)
    assert seen.writes == []
    assert database.tables() == []
    wch("activate", database=database.url)
    drop_index(database)
    store(database, "0.9.0")
    with database.statements() as seen:
        wch(command, database=database.url)
    assert seen.writes == []


def test_the_planned_statements_are_those_that_are_sent(database: LiveDatabase) -> None:
    plan = wch("plan", "--format", "json", database=database.url).json
    planned = [sql for step in plan["steps"] for sql in step["statements"]]
    with database.statements() as seen:
        wch("activate", database=database.url)
    assert seen.ddl == planned
    drop_index(database)
    (step,) = wch("plan", "--format", "json", database=database.url).json["steps"]
    with database.statements() as seen:
        wch("activate", database=database.url)
    assert seen.ddl == step["statements"]


def test_the_schema_as_sql_is_what_activate_makes(database: LiveDatabase) -> None:
    """Run by hand, it leaves nothing to repair, with the target's engine and collation."""
    for statement in wch("schema", database=database.url).out.split(";\n"):
        if statement.strip():
            database.execute(statement)
    left = wch("check", "--format", "json", database=database.url).json
    assert left["refusals"] == []
    assert [change for change in left["changes"] if "migrate" not in change and "options" not in change] == []


def test_drift_is_1_until_it_is_mended(database: LiveDatabase) -> None:
    wch("activate", database=database.url)
    drop_index(database)
    check = wch("check", database=database.url)
    assert (check.code, "Drift: Add index wp_wch_carts" in check.out) == (1, True)
    assert (
        wch("activate", database=database.url).out.splitlines()[-1] == "Success: Repaired the schema (version 1.0.0)."
    )
    assert wch("check", database=database.url).code == 0


@pytest.mark.parametrize("version", ["1.9.0", "2.0.0"])
def test_a_newer_database_is_4_and_gets_no_statement(database: LiveDatabase, version: str) -> None:
    wch("activate", database=database.url)
    database.execute("DELETE FROM wp_wch_migratehistory")
    drop_index(database)
    store(database, version)
    with database.statements() as seen:
        codes = [
            wch(command, database=database.url).code for command in ("status", "check", "plan", "activate", "migrate")
        ]
    assert codes == [4] * 5
    assert seen.writes == []


def test_what_duplicates_prevent_comes_with_their_query(site: LiveDatabase) -> None:
    name = "wp_wch_messages_wa_message_id" if site.family == "sqlite" else "wa_message_id ON wp_wch_messages"
    site.execute(f"DROP INDEX {name}")
    site.execute("UPDATE wp_wch_messages SET wa_message_id = 'twice' WHERE id < 3")
    for command, code in (("plan", 0), ("check", 1), ("activate", 1)):
        shown = wch(command, database=site.url)
        assert shown.code == code, command
        (query,) = set(
            re.findall(
                r"duplicate \(wa_message_id\); delete or change the duplicates first \(see them: (SELECT .*)\)",
                shown.out,
            )
        )
        assert site.execute(query) == [("twice", 2)]
    assert wch("plan", database=site.url).out.endswith("-- Nothing can be done; see Refused\n")


def test_busy_is_3(database: LiveDatabase) -> None:
    wch("activate", database=database.url)
    drop_index(database)
    other = database.connect()
    other.begin("IMMEDIATE") if database.family == "sqlite" else other.begin()
    other.execute_sql("SELECT * FROM wp_wch_carts")
    result = wch("activate", "--timeout", "0.5", "--format", "json", database=database.url)
    assert (result.code, result.json["error"]["type"]) == (3, "Busy")
    other.rollback()
    assert wch("activate", database=database.url).code == 0


@pytest.mark.parametrize("command", ["activate", "migrate"])
@pytest.mark.parametrize("neighbour", ["a WordPress", "an installation"])
def test_a_first_installation_beside_others_is_asked_about(
    database: LiveDatabase, command: str, neighbour: str
) -> None:
    if neighbour == "a WordPress":
        make_options(database, "wp_")
        database.execute("CREATE TABLE wp_posts (ID BIGINT NOT NULL PRIMARY KEY)")
    else:
        DatabaseManager(database.url, prefix="wp_").install()
    before = database.tables()
    question = "There are no tables with the prefix wpp_; existing tables have wp_. Create new ones? Type yes: "
    for answer, code in (("", 2), ("no\n", 2)):
        refused = wch(command, "--prefix", "wpp_", database=database.url, answer=answer)
        assert (refused.code, question in refused.err, database.tables()) == (code, True, before)
    assert wch(command, "--prefix", "wpp_", "--dry-run", database=database.url).code == 0
    assert wch(command, "--prefix", "wpp_", database=database.url, answer="yes\n").code == 0
    assert "wpp_wch_carts" in database.tables()
    for prefix in ("wpp_", "wp_"):  # which is there by now
        assert wch(command, "--prefix", prefix, database=database.url).code == 0


def test_uninstall_shows_the_rows_and_takes_only_ours(database: LiveDatabase) -> None:
    for prefix in ("wp_", "wp_2_"):
        assert wch("activate", "--yes", "--prefix", prefix, database=database.url).code == 0
    database.execute("CREATE TABLE wp_wch_backup (id INTEGER PRIMARY KEY)")
    for phone in "123":
        database.execute(CART, [phone, NOW, NOW, NOW])
    before = database.tables()
    refused = wch("uninstall", "--yes", database=database.url)
    assert (refused.code, database.tables()) == (2, before)
    wrong = wch("uninstall", answer="wp\n", database=database.url, WCH_REMOVE_DATA="true")
    assert (wrong.code, database.tables()) == (2, before)
    assert [line.split()[1] for line in wrong.err.splitlines() if line.startswith("wp_wch_carts")] == ["3"]
    removed = wch("uninstall", "--format", "json", answer="wp_\n", database=database.url, WCH_REMOVE_DATA="true")
    assert (removed.code, removed.json["rows"]["wp_wch_carts"]) == (0, 3)
    ours = {f"wp_wch_{name}" for name in (*NAMES, "migratehistory", "migrateledger")}
    assert database.tables() == sorted(set(before) - ours)
    assert wch("status", "--prefix", "wp_2_", database=database.url).code == 0


@pytest.mark.families("mysql", "mariadb")
def test_a_server_that_says_no_is_one_line(database: LiveDatabase) -> None:
    address = database.address
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = replace(address, port=unused.getsockname()[1])
        cases = [
            (nobody.url(database.name), "cannot reach the server"),
            (replace(address, password="s3cret").url(database.name), "refused the user or password"),
            (
                replace(address, user="wch_nobody", password="s3cret").url(database.name),
                "refused the user or password",
            ),
            (address.url("wch_test_no_such_database"), "the database does not exist"),
        ]
        for url, words in cases:
            for arguments in (["activate"], ["status"], ["uninstall", "--yes"]):
                result = wch(*arguments, "--quiet", database=url, WCH_REMOVE_DATA="1")
                assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1), (url, result)
                assert words in result.err
                assert (words == "refused the user or password") == ("Access denied for user '" in result.err)
                assert "s3cret" not in result.err
    assert database.tables() == []


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("missing", ["CREATE", "ALTER", "INDEX", "REFERENCES", "INSERT", "UPDATE"])
def test_a_missing_privilege_is_named_before_the_first_statement(database: LiveDatabase, missing: str) -> None:
    every = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES", "DROP"]
    with account(database, ", ".join(right for right in every if right != missing)) as limited:
        result = wch("activate", "--format", "json", database=limited.url(database.name))
        assert result.code == 2
        error = result.json["error"]
        assert (error["type"], error["missing"]) == ("MissingPrivileges", [missing])
        assert error["grant"].startswith(f"GRANT {missing} ON ")
        assert PASSWORD not in result.text
        assert database.tables() == []
        # What it says is what helps; it is written for the host as which the server knows the account.
        database.execute(error["grant"].rstrip(";").replace("%", "%%"))
        assert wch("activate", database=limited.url(database.name)).code == 0


@pytest.mark.families("mysql", "mariadb")
def test_without_drop_only_removing_is_refused(database: LiveDatabase) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES"
    with account(database, rights) as limited:
        url = limited.url(database.name)
        assert wch("activate", database=url).code == 0
        for command in (["uninstall"], ["rollback", "001_initial_schema"]):
            result = wch(*command, "--yes", database=url, WCH_REMOVE_DATA="true")
            assert (result.code, "the account lacks DROP" in result.err) == (2, True)
        assert wch("status", database=url).code == 0


@pytest.mark.families("mysql", "mariadb")
def test_without_select_it_is_still_one_line(database: LiveDatabase) -> None:
    wch("activate", database=database.url)
    with account(database, "INSERT, CREATE") as limited:
        for command in ("status", "check", "plan", "activate", "migrate"):
            result = wch(command, "--quiet", database=limited.url(database.name))
            assert (result.code, len(result.err.splitlines())) == (2, 1), result
            assert "SELECT command denied" in result.err


@pytest.mark.families("mysql")
def test_mysqls_own_accounts_work_with_and_without_tls(database: LiveDatabase) -> None:
    identified = "IDENTIFIED WITH caching_sha2_password BY %s"
    # The first login of an account is the one that has to send its password.
    with account(database, "ALL", identified=identified) as person:
        assert wch("activate", database=person.url(database.name)).code == 0
    with account(database, "ALL", identified=identified) as person:
        plain = peewee.MySQLDatabase(database.name, **person.arguments(), ssl_disabled=True)
        assert DatabaseManager(plain).install().outcome == "current"


def test_a_picture_of_the_live_tables_marks_what_differs_and_nothing_else(database: LiveDatabase) -> None:
    """Engines report types in different ways; none of them may look like drift."""
    wch("activate", database=database.url)
    options = ("schema", "--format", "mermaid", "--quiet")
    assert wch(*options, "--live", database=database.url).out.count("\n") == wch(*options).out.count("\n")
    clean = wch("schema", "--format", "svg", "--live", database=database.url).out
    assert [clean.count(f'class="{mark}"') for mark in ("missing", "differs", "extra")] == [0, 0, 0]
    drop_index(database)
    marked = wch("schema", "--format", "svg", "--live", database=database.url).out
    (line,) = (line for line in marked.splitlines() if 'class="missing"' in line)
    assert "expires_at" in line
    assert [d["repaired_by"] for d in wch("check", "--format", "json", database=database.url).json["differences"]] == [
        "wch repair"
    ]


def test_a_timeout_of_0_does_not_wait(database: LiveDatabase) -> None:
    wch("activate", database=database.url)
    drop_index(database)
    other = database.connect()
    if database.family == "sqlite":
        other.begin("IMMEDIATE")
    else:
        name = lock_name(database.name, "wp_")
        assert other.execute_sql("SELECT GET_LOCK(%s, 0)", (name,)).fetchone() == (1,)
    result = wch("activate", "--timeout", "0", "--quiet", database=database.url)
    assert (result.code, "waited 0 seconds" in result.err) == (3, True)
    other.close()
    assert wch("activate", "--timeout", "0", database=database.url).code == 0


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("option", ["--copy-rows", "--copy-bytes"])
def test_a_copy_of_up_to_0_is_refused(database: LiveDatabase, option: str) -> None:
    wch("activate", database=database.url)
    database.execute("ALTER TABLE wp_wch_broadcast_campaigns MODIFY sent_count SMALLINT NOT NULL DEFAULT 0")
    database.execute(
        "INSERT INTO wp_wch_broadcast_campaigns (name, template_name, created_at, updated_at) VALUES (%s, %s, %s, %s)",
        ["a", "b", NOW, NOW],
    )
    database.execute("ANALYZE TABLE wp_wch_broadcast_campaigns")
    plan = wch("plan", option, "0", "--format", "csv", database=database.url)
    assert "allow it with --allow-copy" in plan.out
    refused = wch("activate", option, "0", "--quiet", database=database.url)
    assert (refused.code, "allow it with --allow-copy" in refused.err) == (2, True)
    assert wch("activate", option, "1000000", database=database.url).code == 0


@pytest.mark.families("mysql", "mariadb")
def test_tls_that_cannot_be_had_is_named(database: LiveDatabase, tmp_path: Path) -> None:
    """The server has no TLS, or a certificate that this authority has not signed, or the file is none."""
    authority = tmp_path / "ca.pem"
    authority.write_text("no certificate", encoding="utf-8")
    for file in (authority, Path(ssl.get_default_verify_paths().openssl_cafile)):
        if not file.is_file():
            continue
        result = wch("status", "--quiet", database=f"{database.url}?ssl_ca={file}")
        assert (result.code, len(result.err.splitlines())) == (2, 1)
        assert "TLS" in result.err
        assert "cannot reach the server" not in result.err
