"""How long deriving, verifying and printing takes for the losses of the notes, and what `import iverson` costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import iverson as iv

from .numpy_code import SOFTMAX, SVM

LOSSES = (
    ("sigmoid(u'*v + b)", "u", {}), ("-(y*log(sigmoid(w'*x + b)) + (1-y)*log(1-sigmoid(w'*x + b)))", "w", {"y": "scalar"}),
    ("W*x", "x", {}), ("-sum(y.*log(softmax(theta)))", "theta", {}), ("2*s[1] - 3*s[2] + exp(s[3])", "s[i]", {}),
    (SVM, "W", {}), (SOFTMAX, "W", {}),
    ("X: data[N, D]; y: label[N] in K; W: param[D, K]; s = X*W; p[i,k] = exp(s[i,k])/sum[m] exp(s[i,m])\n"
     "L = -mean[i] log(p[i,y[i]])", "W", {}),
    ("z[n] = sum[r] U[u[n],r]*V[v[n],r] + a[u[n]] + c[v[n]] + b\n"
     "L = -mean[n] (t[n]*log(sigmoid(z[n])) + (1-t[n])*log(1-sigmoid(z[n])))", "U", {}),
)


def answered(text: str, wrt: str, kinds: dict[str, str]) -> float:
    start = time.perf_counter()
    repr(iv.derive(text, wrt, kinds=kinds))
    return time.perf_counter() - start


def table() -> list[tuple[str, float]]:
    """(loss, median ms of five) after one warm-up."""
    rows = []
    for text, wrt, kinds in LOSSES:
        answered(text, wrt, kinds)
        rows.append((text.splitlines()[-1][:70], statistics.median(answered(text, wrt, kinds) for _ in range(5)) * 1e3))
    return rows


def import_times(repeats: int = 7) -> tuple[float, float]:
    """Median ms of `import numpy`, and of `import numpy, iverson`, each in a fresh process."""
    def one(what: str) -> float:
        text = f"import time; t = time.perf_counter(); import {what}; print(time.perf_counter() - t)"
        return float(subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout)
    pairs = [(one("numpy"), one("numpy, iverson")) for _ in range(repeats)]
    return tuple(statistics.median(p[k] for p in pairs) * 1e3 for k in (0, 1))  # type: ignore[return-value]
