"""`make bench`: the tables that docs/performance.md quotes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import frameworks, latency, numpy_code

SAMPLES = (
    ("Poisson regression", "X: data[N, D]; y: data[N]; w: param[D]\nL = mean[i] (exp(0.1*(X*w)[i]) - y[i]*(X*w)[i])", ("--dtype", "float32")),
    ("nearest centres", "X: data[N, D]; C: param[K, D]\nL = mean[i] min[k] sum[d] (X[i,d] - C[k,d])^2", ("--n", "1e5", "--dims", "K=10")),
)


def main() -> None:
    print("Generated NumPy code against the note's own (float64, medians of 9 interleaved runs)")
    print(f"{'workload':24} {'ours ms':>9} {'note ms':>9} {'note/ours':>10} {'our MiB':>9} {'note MiB':>9}")
    for name, ours, theirs, ratio, mine, peak in numpy_code.table():
        print(f"{name:24} {ours:9.1f} {theirs:9.1f} {ratio:10.2f} {mine:9.1f} {peak:9.1f}")
    if importlib.util.find_spec("torch"):
        print("\ntorch modules against torch's own derivatives (float64, one thread, medians of three runs)")
        for name, mine, own in frameworks.table():
            print(f"{name:26} ours {mine:9.1f} ms   autograd {own:9.1f} ms   {own / mine:5.2f}")
    print("\nDerive, verify and print (median of 5 after one warm-up)")
    for name, ms in latency.table():
        print(f"{ms:8.1f} ms  {name}")
    plain, ours = latency.import_times()
    print(f"\nimport numpy {plain:.0f} ms; import numpy, iverson {ours:.0f} ms", flush=True)
    for program, peer in (("native.py", None), ("second.py", "jax"), ("training.py", "sklearn")):
        if peer is None or importlib.util.find_spec(peer):
            subprocess.run([sys.executable, str(Path(__file__).with_name(program))], check=True)
    for name, text, options in SAMPLES:
        print(f"\niverson bench: {name}", flush=True)
        subprocess.run([sys.executable, "-m", "iverson", "bench", text, *options], check=True)


if __name__ == "__main__":
    main()
