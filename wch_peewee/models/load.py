"""Models by the name of their module, as options and settings give them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..errors import ConfigurationError
from ..schema.declared import parents_first
from ..schema.naming import WORDPRESS
from .base import BaseModel


def load_models(words: str) -> tuple[type[BaseModel], ...]:
    """Import the models: MODELS of a module, or all that it defines, in order. Raises ConfigurationError."""
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
    defined = () if attribute else _defined(module)
    value = getattr(module, attribute or "MODELS", defined or None)
    found = _items(value)
    left_out = [each for each in defined if each not in found]
    others = [getattr(each, "__name__", repr(each)) for each in found if not _is_model(each)]
    if others and value is not None:
        raise ConfigurationError(
            f"--models {words}: no migration can know {', '.join(others)}; expected subclasses of BaseModel with the "
            "Meta.table_key."
        )
    if left_out:
        names = ", ".join(each.__name__ for each in left_out)
        raise ConfigurationError(
            f"--models {words}: {name} defines {names}, which its MODELS leaves out, so it would be ignored; add "
            f"it there, or use --models {name}:MODELS."
        )
    if not found or value is None:
        raise ConfigurationError(
            f"--models {words}: found no models; expected MODULE:NAME, the name of a tuple of subclasses of BaseModel."
        )
    return parents_first(found)


def _defined(module: ModuleType) -> tuple[type[BaseModel], ...]:
    """Return the models that the module itself defines, in order.

    Left out are those that only others are made from, and those of WordPress's tables.
    """
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    own = [each for each in classes if each.__module__ == module.__name__ and each._meta.namespace != WORDPRESS]
    return tuple(each for each in own if not any(other is not each and issubclass(other, each) for other in own))


def _items(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, type) else (value,)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel) and value._meta.table_key is not None
