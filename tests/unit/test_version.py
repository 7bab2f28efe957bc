"""version_compare compared with PHP; the expected values were printed by PHP 8.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee.errors import InvalidValue
from wch_peewee.migrate.folder import is_plain, parse_plain
from wch_peewee.wordpress.version import version_compare

# (a, b, what `php -r 'echo version_compare(a, b);'` prints)
PHP_SAYS = [
    ("1.0.0", "1.0.0", 0),
    ("1.0.0", "1.0.1", -1),
    ("1.2.0", "1.10.0", -1),
    ("2.0.0", "10.0.0", -1),
    ("1.0.9", "1.0.10", -1),
    ("0.0.0", "1.0.0", -1),
    ("1.0", "1.0.0", -1),
    ("1", "1.0.0", -1),
    ("1.0.0", "1.0.0.0", -1),
    ("1.0.0", "01.0.0", 0),
    ("1.0.0", "1.00.0", 0),
    ("5.2", "5.10", -1),
    ("1.0.0", "v1.0.0", 1),
    ("1.0.0", " 1.0.0", 1),
    ("1.0.0", "1.0.0 ", 1),
    ("1.0.0", "1.0.0\n", 1),
    ("1.0.0", "1.0.0+build", 1),
    ("1.0.0", "1.0.0-1", -1),
    ("1.0", "1.0.0-rc1", -1),
    ("1.0", "1.0.0-dev", -1),
    ("1.0", "1.0.0-alpha", -1),
    ("1.0.0", "1.0.0-p1", -1),
    ("1.0.0", "1.0.0pl1", -1),
    ("1.0.0", "1.0.0-rc1", 1),
    ("1.0.0-dev", "1.0.0-alpha", -1),
    ("1.0.0-alpha", "1.0.0-beta", -1),
    ("1.0.0-beta", "1.0.0-RC", -1),
    ("1.0.0-RC", "1.0.0-1", -1),
    ("1.0.0-1", "1.0.0-pl", -1),
    ("1.0.0-unknown", "1.0.0-dev", -1),
    ("1.0.0a", "1.0.0alpha", 0),
    ("1.0.0b", "1.0.0beta", 0),
    ("1.0.0RC1", "1.0.0rc1", 0),
    ("1.0.0Rc1", "1.0.0rc1", -1),
    ("1.0.0p", "1.0.0pl", 0),
    ("1.0.0-ALPHA", "1.0.0-alpha", -1),
    ("1.0.0-SNAPSHOT", "1.0.0-dev", -1),
    ("1.0.0-alphabet", "1.0.0-alpha", 0),
    ("1.0.0-banana", "1.0.0-beta", 0),
    ("1.0.0-rc.1", "1.0.0rc1", 0),
    ("1.0.0-rc1", "1.0.0-rc10", -1),
    ("1.0.0-rc2", "1.0.0-rc10", -1),
    ("1_0_0", "1.0.0", 0),
    ("1-0-0", "1.0.0", 0),
    ("1+0+0", "1.0.0", 0),
    ("1..0", "1.0", 0),
    ("1.0.", "1.0", -1),
    (".1", "1", -1),
    ("-1", "1", -1),
    # What ends in a dot once the separators are dots is older than anything, itself included.
    ("1.", "1.", -1),
    (".", ".", -1),
    ("é", "é", -1),
    ("1 ", "1 ", 0),
    ("1~0", "1.0", -1),
    ("1 0", "1.0", -1),
    ("", "", 0),
    ("", "1.0.0", -1),
    ("", "dev", -1),
    ("garbage", "1.0.0", -1),
    ("trunk", "1.0.0", -1),
    ("false", "0", -1),
    ("garbage", "trunk", 0),
    ("a:0:{}", "1.0.0", -1),
    ("true", "1.0.0", -1),
    ("0", "1.0.0", -1),
    ("9.0.0", "1.0.0", 1),
    ("#", "1", 0),
    ("#1", "1.0", -1),
    ("#N#", "#N#", 0),
    ("1.#", "1.0", -1),
    ("1.dev", "1.#", -1),
    ("é", "1", -1),
    ("1é", "1", -1),
    ("1.é.2", "1.2", 0),
    ("9223372036854775807", "9223372036854775808", 0),
    ("9223372036854775806", "9223372036854775807", -1),
    ("99999999999999999999999999", "9223372036854775807", 0),
    ("6.8-beta1-59000", "6.8", -1),
    ("6.8-RC2", "6.8.1", -1),
    ("8.0.36-28.1", "8.0.36", 1),
    ("10.11.6-MariaDB-0+deb12u1", "10.11.6", -1),
    ("2023-01-01", "2023.1.1", 0),
    ("1.0.0\0junk", "1.0.0", 0),
]

# Pieces that PHP's code tells apart, so that random strings meet every branch. The laws below hold for strings that
# do not end in a separator (see the table).
PIECES = [*"0129.-_+ #", "..", "10", "dev", "alpha", "a", "beta", "rc", "RC", "pl", "x", "é", "#N#"]
ANY = st.characters(codec="utf-8", exclude_characters="\0")
VERSIONS = st.one_of(
    st.just(""),
    st.builds(
        "{}{}".format,
        st.one_of(st.text(ANY, max_size=12), st.lists(st.sampled_from(PIECES), max_size=8).map("".join)),
        st.sampled_from(["0", "1", "12", "dev", "b", "rc", "x"]),
    ),
)
PLAIN = st.tuples(*[st.integers(0, 2**40)] * 3)


def test_a_string_that_is_no_text_is_compared_too() -> None:
    assert version_compare("1.0\udcff\ud800", "1.0.0") == -1


@pytest.mark.parametrize(("a", "b", "expected"), PHP_SAYS)
def test_the_answer_is_that_of_php(a: str, b: str, expected: int) -> None:
    assert version_compare(a, b) == expected


@given(VERSIONS)
def test_a_version_equals_itself(version: str) -> None:
    assert version_compare(version, version) == 0


@given(VERSIONS, VERSIONS)
def test_the_answer_turns_with_the_arguments(a: str, b: str) -> None:
    assert version_compare(a, b) == -version_compare(b, a)


@given(PLAIN, PLAIN)
def test_plain_versions_compare_as_their_numbers(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert version_compare(".".join(map(str, a)), ".".join(map(str, b))) == (a > b) - (a < b)


@given(PLAIN)
def test_a_plain_version_is_read_back(numbers: tuple[int, ...]) -> None:
    text = ".".join(map(str, numbers))
    assert is_plain(text)
    assert parse_plain(text) == numbers


@pytest.mark.parametrize(
    "version",
    ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0 ", " 1.0.0", "1.0.0\n", "v1.0.0", "1.0.0-rc1", "1.0.x", "١.0.0"],
)
def test_anything_else_is_not_plain(version: str) -> None:
    assert not is_plain(version)
    with pytest.raises(InvalidValue, match=r"MAJOR\.MINOR\.PATCH"):
        parse_plain(version)
