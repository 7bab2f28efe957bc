"""The order of the test files on several processes: long ones start first, so that none is alone at the end.

A file stays on one process (``--dist loadfile --no-loadscope-reorder``).
"""

from __future__ import annotations

import pytest

#: Measured, the longest first; all others are shorter.
LONGEST = (
    "test_group_replication",
    "test_new_migration",
    "test_two_at_once",
    "test_bounded_waits",
    "test_galera",
    "test_hosts",
    "test_pages",
    "test_examine_migrations",
    "test_benchmarks",
    "test_install",
    "test_kill_anywhere",
    "test_db_delta",
    "test_network_reads",
    "test_db_delta_servers",
    "test_batches",
    "test_server_killed",
    "test_adoption",
    "test_properties",
    "test_pw_migrate",
    "test_db_delta_foreign",
    "test_cli_on_servers",
    "test_live_process",
    "test_models_on_servers",
    "test_wordpress_options",
    "test_wordpress_network",
    "test_network",
    "test_uninstall",
    "test_migrations",
    "test_replicas",
    "test_wordpress_dbdelta",
    "test_wordpress_rows",
    "test_wordpress_collation",
    "test_cli_process",
    "test_steps",
    "test_odd_rows",
    "test_copies",
    "test_live_host",
    "test_worked_example",
    "test_admin_init",
    "test_pluggy_host",
    "test_option_news",
    "test_doctor",
    "test_failures",
    "test_plan_of_migrations",
    "test_algorithms",
    "test_engines",
    "test_stops",
)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the files; the order in each file stays."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
