"""The models that an author names: ``shop.models``, ``shop.models:MODELS``; without a name the shipped ones.

tables = logical_tables(load_models("shop.models"))
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..errors import ConfigurationError
from ..models.base import BaseModel
from ..models.tables import MODELS


def load_models(words: str | None) -> tuple[type[BaseModel], ...]:
    """Import the models; of a module without MODELS all that it defines, in their order. Raises ConfigurationError."""
    if words is None:
        return tuple(MODELS)
    name, _, attribute = words.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as with ``python -m``, the current folder counts
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever its code does
        said = " ".join(str(error).split())
        raise ConfigurationError(
            f"--models {words}: {name} cannot be imported ({type(error).__name__}: {said})."
        ) from error
    found = _models(module, attribute)
    if not found:
        raise ConfigurationError(
            f"--models {words}: no models there; expected module:ATTRIBUTE, a tuple of subclasses of BaseModel."
        )
    return found


def _models(module: ModuleType, attribute: str) -> tuple[type[BaseModel], ...]:
    value = getattr(module, attribute or "MODELS", None)
    if value is None and not attribute:
        value = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
    return tuple(each for each in _items(value) if _is_model(each))


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, Iterable) and not isinstance(value, type) else (value,)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel) and value._meta.table_key is not None
