"""A program of greenlets, all of which work at once: python -m tests.support.gevent_host URL NUMBER.

Each writes into its own site in a transaction, every third one fails inside of it. The number of connections that were
open at once is printed.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

import gevent  # noqa: E402
from gevent.lock import BoundedSemaphore  # noqa: E402

from wch_peewee import Plugin  # noqa: E402

PREFIXES = ("wp_", "wp_2_", "wp_3_")


def main(url: str, number: int) -> None:
    plugin = Plugin(url)
    for prefix in PREFIXES:
        plugin.at(prefix).activate()
    in_a_transaction: set[int] = set()
    most = 0
    # SQLite has one writer, and a greenlet that waits for the file's lock keeps its holder from going on.
    one_writer = BoundedSemaphore(1 if url.startswith("sqlite") else number)

    def work(place: int) -> None:
        nonlocal most
        models = plugin.at(PREFIXES[place % 3]).models
        try:
            with one_writer, plugin.database:
                in_a_transaction.add(id(plugin.database.connection()))
                most = max(most, len(in_a_transaction))
                row = models.Conversation.create(customer_phone=str(place), wa_conversation_id=str(place))
                gevent.sleep(0.01)
                assert models.Conversation.get_by_id(row.id).customer_phone == str(place)
                in_a_transaction.discard(id(plugin.database.connection()))
                if place % 9 < 3:
                    raise KeyError(place)
        except KeyError:
            pass

    done = [gevent.spawn(work, place) for place in range(number)]
    gevent.joinall(done, raise_error=True)
    assert plugin.admin_init().outcome == "current"
    sys.stdout.write(str(most))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
