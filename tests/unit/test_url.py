"""Database URLs: every part, every mistake, and no password in any message."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee import ConfigurationError
from wch_peewee.database.connect import for_reading, open_database
from wch_peewee.database.url import parse_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///wch.db", "sqlite:///wch.db"),
        ("sqlite:////srv/wch.db", "sqlite:////srv/wch.db"),
        ("sqlite:///a%20b.db", "sqlite:///a b.db"),
        ("SQLite:///:memory:", "sqlite:///:memory:"),
        ("mysql://root@127.0.0.1/wp", "mysql://root@127.0.0.1:3306/wp"),
        ("mariadb://u:p@h:33061/wp", "mysql://u@h:33061/wp"),
        ("mysql+pymysql://u:p@h/wp", "mysql://u@h:3306/wp"),
        ("mysql://u:p@[::1]:3307/wp", "mysql://u@[::1]:3307/wp"),
        ("mysql:///wp", "mysql://localhost:3306/wp"),
    ],
)
def test_what_is_read(url: str, shown: str) -> None:
    assert str(parse_url(url)) == shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no scheme"),
        ("wch.db", "no scheme"),
        ("postgres://u:geheim@h/db", "begins with 'postgres'"),
        ("sqlite://wch.db", "has no file name"),
        ("sqlite:///", "has no file name"),
        ("sqlite:///x.db?mode=ro", "has no options"),
        ("mysql://u:geheim@h", "has no database name"),
        ("mysql://u:geheim@h/", "has no database name"),
        ("mysql://u:geheim@h/a/b", "has no database name"),
        ("mysql://u:geheim@h:port/db", "host or port"),
        ("mysql://u:geheim@h:99999/db", "host or port"),
        ("mysql://u:geheim@h:0/db", "port is 0"),
        ("mysql://u:geheim@h/db?charset=latin1", "unknown options: charset"),
        ("mysql://u:ge/heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:ge#heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:ge?heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:12/heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:12#heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:12?heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:12/x?heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:p@ge/heim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:[geheim@h/db", "write # as %23, / as %2F"),
        ("mysql://u:p@h/db\n", "control character"),
        ("sqlite:///a%00b.db", "%00"),
    ],
)
def test_what_is_refused_in_one_line(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        parse_url(url)
    assert "heim" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_user_and_password_survive_and_the_password_is_nowhere_to_be_read(user: str, password: str) -> None:
    marked = f"pw<{password}>"
    target = parse_url(f"mysql://{quote(user, safe='')}:{quote(marked, safe='')}@db.example/wp")
    assert (target.user, target.password) == (user, marked)
    assert marked not in repr(target)
    assert marked not in str(target)


pieces = st.lists(
    st.sampled_from([*"/?#@:%[]&=. ", "\0", "\udcff", "\ud800", "%00", "%ff", "a" * 300, "x", "0", "db"])
).map("".join)


@given(st.sampled_from(["mysql://", "mysql://u:geheim@", "sqlite:///", "sqlite:///:memory:", ""]), pieces | st.text())
def test_any_text_is_a_database_or_a_clear_line(scheme: str, rest: str) -> None:
    """Reading makes no file, and nothing is asked of a server before it is used."""
    said = ""
    try:
        for_reading(open_database(parse_url(scheme + rest)))
    except ConfigurationError as error:
        said = str(error)
    assert "\n" not in said
    assert "geheim" not in said


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "", "1.5", "31536001", "9" * 40])
def test_a_timeout_has_to_be_possible(seconds: str) -> None:
    with pytest.raises(ConfigurationError, match="expected whole seconds, 1 to 31536000"):
        open_database(parse_url(f"mysql://u@h/db?connect_timeout={seconds}"))


def test_bytes_that_are_not_utf_8_stay_what_they_are() -> None:
    target = parse_url("mysql://u:%e4@h/db")
    assert open_database(target).connect_params["password"] == b"\xe4"
    assert parse_url("sqlite:///%ff.db").path == "\udcff.db"
