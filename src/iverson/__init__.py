"""iverson: from a loss as it stands on paper to its verified gradient, derivation, code and trained model.

>>> import iverson as iv
>>> iv.derive("sigmoid(u'*v + b)", "u")
s*(1 - s)*v where s = sigmoid(u'*v + b)
"""

from .api import Derivation, Loss, check, compile, derive, fit, load, parse, predict, save, score
from .core.errors import IversonError, Span

__version__ = "0.1.0"
__all__ = ["Derivation", "IversonError", "Loss", "Span", "check", "compile", "derive", "fit", "load", "parse", "predict",
           "save", "score"]
