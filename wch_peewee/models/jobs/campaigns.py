"""Campaigns: started by one, counted by many."""

from __future__ import annotations

from typing import Any

import peewee

from ...database.retry import retrying
from ..prepared import prepared


class CampaignJobs:
    """What is done with a campaign."""

    @retrying(single=True)
    def start(self) -> bool:
        """Begin sending; of several that start a draft or scheduled campaign at once, one gets True."""
        return self._moved("sending", "draft", "scheduled")

    @retrying(single=True)
    def complete(self) -> bool:
        """End sending; return False if the campaign is not being sent."""
        return self._moved("completed", "sending")

    def _moved(self, status: str, *before: str) -> bool:
        own: Any = self
        moves = own.update(status=status).where(own._pk_expr(), type(own).status.in_(before))
        if not moves.execute():
            return False
        own.status = status
        own._dirty.discard("status")
        return True

    @classmethod
    @retrying(single=True)
    def count(cls, campaign_id: int, *, sent: int = 0, delivered: int = 0, read: int = 0) -> bool:
        """Add to the counters of a campaign, however many do so at once.

        Return False if there is no such campaign, or nothing to add. Raises InvalidValue for what is not a whole
        number of the column's range.
        """
        model: Any = cls
        added = {"sent_count": sent, "delivered_count": delivered, "read_count": read}
        # The field refuses what is not a whole number: SQLite would store 2.5, and servers would round it.
        given = {name: getattr(model, name).db_value(number) for name, number in added.items() if number != 0}
        numbers = {name: number for name, number in given.items() if number}
        return bool(numbers and _counted(model, campaign_id, numbers))


@prepared
def _counted(campaign: Any, number: int, added: dict[str, int]) -> Any:
    changes = {name: getattr(campaign, name) + peewee.Value(more, converter=False) for name, more in added.items()}
    return campaign.update(changes).where(campaign.id == number)
