"""iverson: from a loss as it stands on paper to its verified gradient, derivation, code and trained model.

>>> import iverson as iv
>>> iv.derive("sigmoid(u'*v + b)", "u")
s*(1 - s)*v where s = sigmoid(u'*v + b)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Derivation, Loss, check, compile, convert, convexity, derive, fit, lint, load, parse, predict, save, score
    from .core.errors import IversonError, Span
    from .directions import hvp, jvp, vjp

__version__ = "0.1.0"
__all__ = [
    "Derivation", "IversonError", "Loss", "Span", "check", "compile", "convert", "convexity", "derive", "fit", "hvp",
    "jvp", "lint", "load", "parse", "predict", "save", "score", "vjp",
]


def __getattr__(name: str) -> Any:
    """The public names are loaded at first use, so that `import iverson` costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'iverson' has no attribute {name!r}")
    from . import api, directions
    from .core import errors

    for known in __all__:
        home = next(m for m in (errors, api, directions) if hasattr(m, known))
        globals()[known] = getattr(home, known)
    return globals()[name]
