"""Peewee's idioms, chapter by chapter of its documentation, as functions of a site's models.

Each takes the six models and their database and returns what it has found: queries, rows, values. The tables have the
rows of ``rows.py``; what an idiom writes is compared, too.
"""

from tests.support.idioms.declaring import MODELS, OUTSIDE
from tests.support.idioms.joining import CTES, JOINS
from tests.support.idioms.reading import AGGREGATES, JSON, ROW_TYPES, SELECTING
from tests.support.idioms.rows import ROWS, Idiom, Models
from tests.support.idioms.writing import CREATING, MANY, TRANSACTIONS, VALUES

__all__ = ["IDIOMS", "OUTSIDE", "ROWS", "Idiom", "Models"]

_CHAPTERS = (CREATING, MANY, SELECTING, ROW_TYPES, AGGREGATES, JOINS, CTES, TRANSACTIONS, JSON, VALUES, MODELS)
#: All idioms by name, but for those of ``OUTSIDE``.
IDIOMS: dict[str, Idiom] = {name: idiom for chapter in _CHAPTERS for name, idiom in chapter.items()}
assert len(IDIOMS) == sum(map(len, _CHAPTERS)), "two idioms have the same name"
