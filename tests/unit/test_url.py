"""Database URLs: every part, every mistake, and no password in any message."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee import ConfigurationError
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
        ("sqlite://wch.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///x.db?mode=ro", "takes no options"),
        ("mysql://u:geheim@h", "names no database"),
        ("mysql://u:geheim@h/", "names no database"),
        ("mysql://u:geheim@h/a/b", "names no database"),
        ("mysql://u:geheim@h:port/db", "host or port"),
        ("mysql://u:geheim@h:99999/db", "host or port"),
        ("mysql://u:geheim@h/db?charset=latin1", "unknown options: charset"),
    ],
)
def test_what_is_refused_in_one_line(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        parse_url(url)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_user_and_password_survive_and_the_password_is_nowhere_to_be_read(user: str, password: str) -> None:
    marked = f"pw<{password}>"
    target = parse_url(f"mysql://{quote(user, safe='')}:{quote(marked, safe='')}@db.example/wp")
    assert (target.user, target.password) == (user, marked)
    assert marked not in repr(target)
    assert marked not in str(target)
