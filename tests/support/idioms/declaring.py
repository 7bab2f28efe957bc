"""Models themselves: metadata, inheritance, hooks, copies, tables of a host's own, and playhouse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import peewee
from peewee import NodeList, fn
from playhouse.dataset import DataSet
from playhouse.hybrid import hybrid_method, hybrid_property
from playhouse.migrate import SchemaMigrator, migrate
from playhouse.reflection import generate_models
from playhouse.shortcuts import (
    dict_to_model,
    model_to_dict,
    resolve_multimodel_query,
    update_model_from_dict,
)

from tests.support.idioms.rows import (
    SQL,
    Idiom,
    Models,
    new_cart,
    new_item,
)

# --- Models: meta, copies, inheritance, hooks, playhouse


def _inherited(m: Models) -> Any:
    class Urgent(m.SyncQueueItem):  # type: ignore[misc, name-defined]
        class Meta:
            table_name = m.SyncQueueItem._meta.table_name

        @property
        def label(self) -> str:
            return f"{self.action} {self.entity_id}"

    return [row.label for row in Urgent.select().order_by(Urgent.id)], Urgent.create(**new_item()).label


def _saving_hook(m: Models) -> Any:
    class Hooked(m.SyncQueueItem):  # type: ignore[misc, name-defined]
        class Meta:
            table_name = m.SyncQueueItem._meta.table_name

        def save(self, *arguments: Any, **options: Any) -> Any:
            self.attempts += 1
            return super().save(*arguments, **options)

    row = Hooked.create(**new_item(attempts=1))
    row.error_message = "again"
    row.save()
    return Hooked.get_by_id(row.id).attempts


def _initial_hook(m: Models) -> Any:
    class Counted(m.SyncQueueItem):  # type: ignore[misc, name-defined]
        class Meta:
            table_name = m.SyncQueueItem._meta.table_name

        def __init__(self, *arguments: Any, **values: Any) -> None:
            super().__init__(*arguments, **values)
            self.seen = self.entity_id

    return [row.seen for row in Counted.select().order_by(Counted.id)]


def _hybrid(m: Models) -> Any:
    class Rated(m.BroadcastCampaign):  # type: ignore[misc, name-defined]
        class Meta:
            table_name = m.BroadcastCampaign._meta.table_name

        @hybrid_property  # type: ignore[untyped-decorator]
        def missing(self) -> Any:
            return self.sent_count - self.delivered_count

        @hybrid_method  # type: ignore[untyped-decorator]
        def above(self, limit: int) -> Any:
            return self.sent_count > limit

    query = Rated.select(Rated.id).where(Rated.missing > 4, Rated.above(25)).order_by(Rated.id)
    return query.tuples(), [row.missing for row in Rated.select().order_by(Rated.missing)]


def _own_table(m: Models) -> Any:
    """Tables of a host's own beside ours: DDL, relations in both directions, many-to-many."""

    class Tag(peewee.Model):
        name = peewee.CharField(50, unique=True)

        class Meta:
            database = m.db
            table_name = "host_tags"

    class Tagged(peewee.Model):
        tag = peewee.ForeignKeyField(Tag, backref="tagged")
        conversation: Any = peewee.ForeignKeyField(m.Conversation, backref="+", on_delete="CASCADE")

        class Meta:
            database = m.db
            table_name = "host_tagged"
            primary_key = peewee.CompositeKey("tag", "conversation")

    m.db.create_tables([Tag, Tagged])
    try:
        tags = [Tag.create(name=name) for name in ("vip", "new")]
        Tagged.insert_many(
            [(tags[0], 1), (tags[0], 2), (tags[1], 1)], fields=[Tagged.tag, Tagged.conversation]
        ).execute()
        both = (
            m.Conversation.select(m.Conversation.id, Tag.name)
            .join(Tagged)
            .join(Tag)
            .order_by(m.Conversation.id, Tag.name)
            .tuples()
        )
        from_tag = [row.conversation.customer_phone for row in tags[0].tagged.order_by(Tagged.conversation)]  # type: ignore[attr-defined]
        found = list(both)
        m.Conversation.delete_by_id(1)
        return found, from_tag, Tagged.select().count(), sorted(m.db.get_tables())[:2]
    finally:
        m.db.drop_tables([Tagged, Tag])


def _many_to_many(m: Models) -> Any:
    class Team(peewee.Model):
        name = peewee.CharField(50)
        talks: Any = peewee.ManyToManyField(m.Conversation, backref=f"teams_{id(m)}")

        class Meta:
            database = m.db
            table_name = "host_teams"

    through = Team.talks.get_through_model()
    m.db.create_tables([Team, through])
    try:
        team = Team.create(name="night")
        team.talks.add([1, 2])
        team.talks.add(m.Conversation.select().where(m.Conversation.id == 5))
        team.talks.remove(m.Conversation.get_by_id(2))
        found = [talk.id for talk in team.talks.order_by(m.Conversation.id)]
        team.talks.clear()
        return found, through.select().count()
    finally:
        m.db.drop_tables([through, Team])


def _signals(m: Models) -> Any:
    from playhouse import signals

    class Logged(signals.Model, m.SyncQueueItem):  # type: ignore[misc, name-defined]
        class Meta:
            table_name = m.SyncQueueItem._meta.table_name
            database = m.db

    seen: list[Any] = []

    @signals.pre_save(sender=Logged)  # type: ignore[untyped-decorator]
    def before(sender: Any, instance: Any, created: bool) -> None:
        seen.append(("before", created))

    @signals.post_save(sender=Logged)  # type: ignore[untyped-decorator]
    def after(sender: Any, instance: Any, created: bool) -> None:
        seen.append(("after", created, instance.id is not None))

    @signals.post_delete(sender=Logged)  # type: ignore[untyped-decorator]
    def gone(sender: Any, instance: Any) -> None:
        seen.append("deleted")

    row = Logged.create(**new_item())
    row.attempts = 9
    row.save()
    row.delete_instance()
    return seen


def _pickled(m: Models) -> Any:
    row = m.Cart.get_by_id(2)
    again = copy.deepcopy(row)
    shallow = copy.copy(row)
    again.items.append("x")
    return row.items, again.items, shallow.items, again == row


def _from_dict(m: Models) -> Any:
    row = dict_to_model(m.Message, {"id": 1, "conversation": {"id": 3, "customer_phone": "+9"}, "status": "read"})
    return row.id, row.conversation_id, row.conversation.customer_phone, row.status


def _updated_from_dict(m: Models) -> Any:
    row = update_model_from_dict(m.SyncQueueItem.get_by_id(1), {"attempts": 55, "error_message": None})
    return row.save(), row


def _multimodel(m: Models) -> Any:
    query = m.Cart.select(m.Cart.id, m.Cart.customer_phone) | m.Conversation.select(
        m.Conversation.id, m.Conversation.customer_phone
    )
    return sorted((type(row).__name__, row.id) for row in resolve_multimodel_query(query))


def _reloaded(m: Models) -> Any:
    row = m.Cart.get_by_id(1)
    m.Cart.update(coupon_code="LATE").where(m.Cart.id == 1).execute()
    return row.coupon_code, m.Cart.get_by_id(row.id).coupon_code


def _optimistic(m: Models) -> Any:
    """Lock a row by its version, as the recipe does."""
    row = m.SyncQueueItem.get_by_id(1)
    changes = m.SyncQueueItem.update(attempts=row.attempts + 1).where(
        (m.SyncQueueItem.id == row.id) & (m.SyncQueueItem.attempts == row.attempts)
    )
    return changes.execute(), changes.execute()


def _reflected(m: Models) -> Any:
    table = m.CustomerProfile._meta.table_name
    found = generate_models(m.db, table_names=[table], literal_column_names=True)[table]
    return [row.name for row in found.select().order_by(found.id)]


def _data_set(m: Models) -> Any:
    table = DataSet(m.db, include_views=False)[m.Cart._meta.table_name]
    return [row["customer_phone"] for row in table.find(id=2)], len(table)


def _foreign_column(m: Models) -> Any:
    """Write rows of a table that has a column which the models do not know."""
    migrator = SchemaMigrator.from_database(m.db)
    table = m.Cart._meta.table_name
    migrate(migrator.add_column(table, "host_note", peewee.TextField(null=True)))
    try:
        return m.Cart.select().count(), m.Cart.create(**new_cart()).coupon_code
    finally:
        migrate(migrator.drop_column(table, "host_note"))


MODELS: dict[str, Idiom] = {
    "generate_models": _reflected,
    "DataSet": _data_set,
    "names of fields": lambda m: [model._meta.sorted_field_names for model in m[:6]],
    "names of columns": lambda m: [sorted(model._meta.columns) for model in m[:6]],
    "names of tables": lambda m: [model._meta.table_name for model in m[:6]],
    "table_exists": lambda m: [model.table_exists() for model in m[:6]],
    "introspected columns": lambda m: [column.name for column in m.db.get_columns(m.Cart._meta.table_name)],
    "primary keys": lambda m: [model._meta.primary_key.name for model in m[:6]],
    "refs and backrefs": lambda m: (
        [(f.name, r.__name__) for f, r in m.Message._meta.refs.items()],
        [(f.name, r.__name__) for f, r in m.Conversation._meta.backrefs.items() if f.name == "conversation"][:1],
    ),
    "sort_models": lambda m: [model.__name__ for model in peewee.sort_models(list(m[:2]))],  # type: ignore[attr-defined]
    "inheritance": _inherited,
    "a save of one's own": _saving_hook,
    "an __init__ of one's own": _initial_hook,
    "hybrid": _hybrid,
    "signals": _signals,
    "copy and deepcopy": _pickled,
    "pickle of the data": lambda m: pickle.loads(pickle.dumps(m.Cart.get_by_id(2).__data__)),
    "model_to_dict": lambda m: [model_to_dict(row) for row in m.Message.select().order_by(m.Message.id)],
    "model_to_dict, not recursive": lambda m: model_to_dict(m.Message.get_by_id(1), recurse=False),
    "model_to_dict, only": lambda m: model_to_dict(m.Message.get_by_id(1), only=[m.Message.id, m.Message.status]),
    "model_to_dict, exclude": lambda m: model_to_dict(m.Message.get_by_id(1), exclude=[m.Message.conversation]),
    "model_to_dict, backrefs": lambda m: model_to_dict(
        m.Conversation.get_by_id(3),
        backrefs=True,
        max_depth=1,
        only=[m.Conversation.id, m.Message.id, m.Conversation.messages],
    ),
    "model_to_dict, extra attributes": lambda m: model_to_dict(
        m.Cart.select(m.Cart.id, fn.LOWER(m.Cart.coupon_code).alias("code")).where(m.Cart.id == 2).get(),
        extra_attrs=["code"],
    ),
    "dict_to_model": _from_dict,
    "dict_to_model, unknown": lambda m: dict_to_model(m.Cart, {"id": 1, "nickname": "x"}),
    "dict_to_model, ignore_unknown": lambda m: (
        dict_to_model(m.Cart, {"id": 1, "nickname": "x"}, ignore_unknown=True).id
    ),
    "update_model_from_dict": _updated_from_dict,
    "resolve_multimodel_query": _multimodel,
    "read again": _reloaded,
    "optimistic locking": _optimistic,
    "a new row's defaults": lambda m: (lambda row: (row.status, row.attempts, row.id))(m.SyncQueueItem()),
    "defaults of documents are separate": lambda m: m.Cart().items is not m.Cart().items,
    "noop": lambda m: m.Cart.noop(),
    "Model.update without where": lambda m: m.Cart.update(coupon_code="ALL").execute(),
    "NodeList": lambda m: m.Cart.select(NodeList((SQL("1 +"), m.Cart.id))).order_by(m.Cart.id).tuples(),
    "a Table of the query builder": lambda m: (
        lambda table: table.select(table.c.id).order_by(table.c.id).tuples().execute(m.db)
    )(peewee.Table(m.Cart._meta.table_name)),
    "bind_ctx": lambda m: _bound(m),
}


def _bound(m: Models) -> int:
    with m.db.bind_ctx([m.Cart], bind_refs=False, bind_backrefs=False):
        return int(m.Cart.select().count())


#: Idioms with DDL, which ends a transaction on servers.
OUTSIDE: dict[str, Idiom] = {
    "tables that refer to ours": _own_table,
    "ManyToManyField": _many_to_many,
    "a column added by playhouse.migrate": _foreign_column,
}
