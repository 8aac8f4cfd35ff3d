"""The main job on real data: derive, explain, check, write code, train softmax and SVM on the digits."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from sklearn.datasets import load_digits

import iverson as iv

OUT = Path(__file__).parent / "out"
HEAD = """X: data[N, D]                     # one sample a row
y: label[N] in K
W: param[D, K]
reg: scalar = 1e-3

s = X*W
"""
TAIL = " + reg*sum(W.^2)\npredict = argmax[k] s[i,k]\n"
LOSSES = {
    "svm": HEAD + "L = mean[i] sum[k != y[i]] max(0, s[i,k] - s[i,y[i]] + 1)" + TAIL,
    "softmax": HEAD + "L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]])" + TAIL,
}


def digits_csv(path: Path) -> None:
    """1797 handwritten digits, 8 x 8 pixels scaled to 0..1, as a CSV with a column `target`."""
    X, y = load_digits(return_X_y=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([f"pixel{j}" for j in range(X.shape[1])] + ["target"])
        rows.writerows([*(f"{v:g}" for v in x / 16), int(label)] for x, label in zip(X, y, strict=True))


def title(text: str) -> None:
    print(f"\n== {text}")


def main() -> None:
    start = time.perf_counter()
    OUT.mkdir(exist_ok=True)
    digits_csv(OUT / "digits.csv")
    title("The gradient of the multiclass SVM loss")
    svm = iv.derive(LOSSES["svm"], "W")
    print(svm.program)
    print(f"({svm.verified})")
    title("Its derivation, the first lines")
    print("\n".join(svm.explain().splitlines()[:14]))
    title("Two gradients derived by hand")
    for mine in ("X'*ds + 2*reg*W", "X'*ds + reg*W"):
        print(f"{mine}\n  {iv.check(LOSSES['svm'], 'W', mine)!r}")
    title("Code")
    (OUT / "svm_loss.py").write_text(svm.code("numpy"))
    print("\n".join(svm.code("numpy").splitlines()[10:32]))
    for name, text in LOSSES.items():
        title(f"Training {name} on the digits, one in five held out")
        (OUT / f"{name}.iv").write_text(text)
        model = iv.fit(OUT / f"{name}.iv", OUT / "digits.csv", label="target", holdout=0.2, seed=0, max_iter=400)
        iv.save(model, OUT / f"{name}_model")
        print(model.summary())
    print(f"\nDone in {time.perf_counter() - start:.1f} s; files are in {OUT.name}/.")


if __name__ == "__main__":
    main()
