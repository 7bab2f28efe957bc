"""Carts: edited under their row's lock, and deleted when they have expired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any, Self

from ...database.connect import in_transaction
from ...database.retry import attempt, database_of, transaction
from ..fields import utc_now
from .messages import EARLIEST, delete_rows, read_rows


class CartJobs:
    """What is done with carts."""

    @classmethod
    @contextmanager
    def edit(cls, phone: str, *, lifetime: timedelta = timedelta(days=1)) -> Iterator[Self]:
        """Hold the cart of a phone for the block, and write what the block has changed at its end.

        The cart is made if it is missing. Others who edit it, PHP's UPDATE included, wait meanwhile. It then expires
        after ``lifetime`` from now, unless the block has set ``expires_at``. Nothing is written if the block raises.
        The block is one transaction, or part of the caller's; it is not repeated.
        """
        model: Any = cls
        database = database_of(cls)
        with ExitStack() as stack:

            def hold() -> Any:
                row = {"customer_phone": phone, "expires_at": utc_now() + lifetime}
                model.insert(row).on_conflict_ignore().execute()
                return model.select().where(model.customer_phone == phone).for_update().get()

            def begin() -> Any:
                with ExitStack() as begun:
                    begun.enter_context(transaction(database))
                    cart = hold()
                    stack.push(begun.pop_all())
                    return cart

            cart = hold() if in_transaction(database) else attempt(database, begin, single=True)
            held_until = cart.expires_at
            yield cart
            if cart.expires_at == held_until:
                cart.expires_at = utc_now() + lifetime
            cart.save()

    @classmethod
    def expire(cls, before: datetime | None = None, *, batch: int = 500) -> int:
        """Delete the carts that have expired before a moment, by default now, in batches; return how many.

        A cart that is revived meanwhile stays: its row is looked at once more when it is deleted.
        """
        model: Any = cls
        # PHP's zero dates are before the earliest one.
        expired = (model.expires_at >= EARLIEST) & (model.expires_at < (before or utc_now()))
        count = 0
        while True:
            ids = [number for (number,) in read_rows(model, model.select(model.id).where(expired).limit(batch))]
            deleted = delete_rows(model, sorted(ids), expired)
            count += deleted
            if not deleted:
                return count
