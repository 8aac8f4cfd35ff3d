"""iverson: from a loss as it stands on paper to its verified gradient, derivation, code and trained model.

>>> import iverson as iv
>>> iv.derive("sigmoid(u'*v + b)", "u")
s*(1 - s)*v where s = sigmoid(u'*v + b)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Derivation, Loss, check, compile, derive, fit, load, parse, predict, save, score
    from .core.errors import IversonError, Span

__version__ = "0.1.0"
__all__ = [
    "Derivation", "IversonError", "Loss", "Span", "check", "compile", "derive", "fit", "load", "parse", "predict",
    "save", "score",
]


def __getattr__(name: str) -> Any:
    """The public names are loaded at first use, so that `import iverson` costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'iverson' has no attribute {name!r}")
    from . import api
    from .core import errors

    for known in __all__:
        globals()[known] = getattr(errors if known in ("IversonError", "Span") else api, known)
    return globals()[name]
