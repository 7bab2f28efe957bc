"""A host's own peewee models beside ours: tables that refer to ours, made by peewee's ``create_tables``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee
import pytest

from tests.support.bound import bound, without_new_references
from tests.support.databases import LiveDatabase
from wch_peewee import MODELS, Conversation, InvalidValue, Plugin, db_delta
from wch_peewee.execution.context import RunOptions
from wch_peewee.execution.session import read_session


@pytest.fixture(params=["bound", "models", "second site"])
def talks(request: pytest.FixtureRequest, installed: LiveDatabase) -> Iterator[tuple[Plugin, type[Conversation]]]:
    """A plugin, and its class of conversations, with a row."""
    plugin = Plugin(installed.url)
    if request.param == "second site":
        plugin = plugin.at("wp_2_")
        plugin.activate()
    plugin.models.Conversation.create(customer_phone="+1", wa_conversation_id="1")
    with bound(plugin.database, plugin.prefix), without_new_references():
        yield plugin, Conversation if request.param == "bound" else plugin.models.Conversation
    plugin.database.close()


def test_a_table_of_a_hosts_own_refers_to_ours(talks: tuple[Plugin, type[Conversation]]) -> None:
    plugin, talk = talks

    class Note(peewee.Model):
        conversation: Any = peewee.ForeignKeyField(talk, backref="notes", on_delete="CASCADE")
        second: Any = peewee.ForeignKeyField(talk, backref="+", null=True)
        text = peewee.TextField()

        class Meta:
            database = plugin.database
            table_name = "host_notes"

    plugin.database.create_tables([Note])
    row = talk.get()
    Note.create(conversation=row, text="one")
    Note.create(conversation=row.id, second=row, text="two")
    assert [note.text for note in row.notes.order_by(Note.id)] == ["one", "two"]  # type: ignore[attr-defined]
    joined = Note.select(Note, talk).join(talk, on=Note.conversation)
    assert [note.conversation.customer_phone for note in joined] == ["+1", "+1"]
    assert Note.select().where(Note.conversation == row).count() == 2
    (loaded,) = talk.select().prefetch(Note.select().order_by(Note.id))
    assert [note.text for note in loaded.notes] == ["one", "two"]
    with pytest.raises(peewee.IntegrityError):
        Note.create(conversation=99, text="nobody's")
    assert not plugin.activate().changes
    talk.update(status="closed").execute()
    Note.update(second=None).execute()
    row.delete_instance()
    assert Note.select().count() == 0
    plugin.database.drop_tables([Note])


def test_a_hosts_table_takes_rows_of_the_site_it_refers_to(talks: tuple[Plugin, type[Conversation]]) -> None:
    plugin, talk = talks
    other = plugin.at("wp_3_")
    other.activate()

    class Note(peewee.Model):
        conversation: Any = peewee.ForeignKeyField(talk, backref="notes")

        class Meta:
            database = plugin.database
            table_name = "host_notes"

    collation = None if isinstance(plugin.database, peewee.SqliteDatabase) else "utf8mb4_unicode_520_ci"

    class Visit(peewee.Model):
        profile: Any = peewee.ForeignKeyField(
            plugin.models.CustomerProfile, field="phone", null=True, collation=collation
        )

        class Meta:
            database = plugin.database
            table_name = "host_visits"

    plugin.database.create_tables([Note, Visit])
    theirs: Any = other.models.Conversation.create(id=talk.get().id, customer_phone="+3", wa_conversation_id="3")
    for mix in (
        lambda: Note.create(conversation=theirs),
        lambda: Note.insert_many([{"conversation": theirs}]).execute(),
        lambda: Note.select().where(Note.conversation == theirs).count(),
        lambda: (
            talk.select().where(talk.id.in_(other.models.Conversation.select(other.models.Conversation.id))).count()
        ),
    ):
        with pytest.raises(InvalidValue, match="rows of two sites cannot be mixed"):
            mix()
    assert Note.select().count() == 0
    plugin.models.CustomerProfile.create(phone="+1", name="A")
    Visit.create(profile=None)
    Visit.create(profile=plugin.models.CustomerProfile.get())
    assert [visit.profile_id for visit in Visit.select().order_by(Visit.id)] == [None, "+1"]
    assert Visit.select().where(Visit.profile == None).count() == 1  # noqa: E711
    plugin.database.drop_tables([Note, Visit])


def test_a_hosts_own_model_has_many_of_ours(talks: tuple[Plugin, type[Conversation]]) -> None:
    plugin, talk = talks

    class Tag(peewee.Model):
        name = peewee.CharField(50)
        conversations: Any = peewee.ManyToManyField(talk, backref="tags")

        class Meta:
            database = plugin.database
            table_name = "host_tags"

    through = Tag.conversations.get_through_model()
    plugin.database.create_tables([Tag, through])
    row = talk.get()
    tag = Tag.create(name="urgent")
    tag.conversations.add(row)
    assert [one.name for one in row.tags] == ["urgent"]  # type: ignore[attr-defined]
    assert list(tag.conversations) == [row]
    tag.conversations.remove(row)
    assert list(tag.conversations) == []
    plugin.database.drop_tables([through, Tag])


def test_peewee_makes_our_tables_with_our_types(database: LiveDatabase) -> None:
    """Beside the types, peewee knows no defaults, and on SQLite no checks; db_delta adds them on servers."""
    if database.family != "sqlite":  # the tables take the database's collation
        database.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    plugin = Plugin(database.url)
    plugin.database.create_tables(plugin.models)
    with read_session(plugin.database, plugin.manager.names, RunOptions()) as context:
        desired = context.resolve(plugin.manager.tables)
        actual = context.read(plugin.manager.names.tables)
    for wanted, found in zip(desired, actual, strict=True):
        assert [column.name for column in found.columns] == [column.name for column in wanted.columns]
        for column in wanted.columns:
            if database.family == "sqlite":
                assert found.column(column.name).nullable == column.nullable
            else:
                assert str(found.column(column.name).type) == str(column.type), (wanted.name, column.name)
    plugin.models.Cart.create(customer_phone="+1", expires_at="2030-01-01", items=[1])
    assert plugin.models.Cart.get().items == [1]
    if database.family != "sqlite":
        report = db_delta(MODELS, plugin.database)
        assert (report.refusals, report.extras) == ((), ())
        assert not db_delta(MODELS, plugin.database)
    plugin.database.close()
