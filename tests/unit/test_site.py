"""The current site: nested blocks, threads and tasks are separate; only an explicit call changes the default."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from collections.abc import Iterator

import pytest
from peewee import SqliteDatabase

from wch_peewee.errors import ConfigurationError, UnknownTable
from wch_peewee.models import site
from wch_peewee.models.site import (
    Site,
    current_database,
    current_prefix,
    current_site,
    get_table_name,
    set_default_site,
    switch_prefix,
    use_site,
)
from wch_peewee.schema import naming

one, two, own = SqliteDatabase(":memory:"), SqliteDatabase(":memory:"), SqliteDatabase(":memory:")


@pytest.fixture(autouse=True)
def restored_default() -> Iterator[None]:
    yield
    set_default_site(None)


def test_without_anything_it_is_wordpress_s_default_and_no_database() -> None:
    assert current_site() == Site(None, "wp_")
    assert current_database() is None
    assert current_database(own) is own


def test_blocks_nest_and_end_with_an_exception_too() -> None:
    with switch_prefix("wp_2_") as prefix:
        assert prefix == current_prefix() == "wp_2_"
        with switch_prefix("wp_3_"):
            assert get_table_name("carts") == "wp_3_wch_carts"
        with pytest.raises(UnknownTable), switch_prefix("wp_4_"):
            get_table_name("unknown")
        assert current_prefix() == "wp_2_"
    assert current_prefix() == "wp_"


def test_a_block_s_database_wins_then_the_model_s_then_the_default() -> None:
    set_default_site(one, "d_")
    assert (current_prefix(), current_database(), current_database(own)) == ("d_", one, own)
    with use_site(two, "b_"):
        assert (current_prefix(), current_database(), current_database(own)) == ("b_", two, two)
        with switch_prefix("c_"):
            assert (current_prefix(), current_database(own)) == ("c_", two)
    with use_site(None, "b_"):
        assert (current_prefix(), current_database(), current_database(own)) == ("b_", one, own)
    with switch_prefix("c_"):
        # Switching the prefix alone must not bring the default's database before the model's.
        assert current_database(own) is own


def test_a_given_prefix_wins_over_the_moment_s() -> None:
    with switch_prefix("wp_2_"):
        assert get_table_name("wch_carts") == "wp_2_wch_carts"
        assert get_table_name("carts", "x_") == "x_wch_carts"
        assert get_table_name("carts", "") == "wch_carts"
        assert naming.full_table_name("carts") == "wp_wch_carts"


@pytest.mark.parametrize("enter", [switch_prefix, lambda prefix: use_site(None, prefix)])
def test_a_bad_prefix_is_refused_on_entry_and_changes_nothing(enter: type[switch_prefix]) -> None:
    with pytest.raises(ConfigurationError), enter("no-good"):
        pass
    with pytest.raises(ConfigurationError):
        set_default_site(None, "no-good")
    assert current_prefix() == "wp_"


def test_threads_do_not_see_each_other_but_share_the_default() -> None:
    barrier = threading.Barrier(8)
    seen: dict[int, list[str]] = {}

    def work(number: int) -> None:
        seen[number] = [current_prefix()]
        with switch_prefix(f"t{number}_"):
            for _ in range(20):
                barrier.wait()
                seen[number].append(current_prefix())

    set_default_site(None, "d_")
    with switch_prefix("main_"):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {number: ["d_"] + [f"t{number}_"] * 20 for number in range(8)}


def test_tasks_do_not_see_each_other_and_begin_where_they_were_made() -> None:
    async def work(number: int) -> list[str]:
        seen = [current_prefix()]
        with switch_prefix(f"t{number}_"):
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(current_prefix())
        return seen

    async def everything() -> list[list[str]]:
        with switch_prefix("main_"):
            return await asyncio.gather(*map(work, range(3)))

    assert asyncio.run(everything()) == [["main_"] + [f"t{number}_"] * 5 for number in range(3)]


def test_a_site_can_be_copied_and_pickled_without_its_database() -> None:
    here = Site(one, "x_")
    assert copy.deepcopy([here])[0] is here
    text = pickle.dumps(here)
    assert pickle.loads(text) == Site(None, "x_")
    with use_site(two, "y_"):
        assert pickle.loads(text) == Site(two, "x_")


def test_nothing_else_of_the_module_is_process_wide() -> None:
    before = site._default
    with use_site(one, "x_"), switch_prefix("y_"):
        assert site._default is before
