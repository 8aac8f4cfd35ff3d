"""SOURCES: every text of the tables that is read, as (label, how to read it): what printing and reading back are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import iverson as iv
from corpus import CORPUS
from forms import DECLARED, FORMS, KINDS
from generate import case
from latex_texts import TEXTS
from losses import FACTORS, SOFTMAX, SOFTMAX_BY_P, SVM
from test_latex import declared
from test_numpy_programs import EXPRESSIONS, SHAPES, entries
from test_numpy_programs import KINDS as LABELS

Reading = tuple[str, Callable[[], Any]]


def reading(label: str, *arguments: Any, **more: Any) -> Reading:
    return label, lambda: iv.parse(*arguments, **more)


def of_corpus() -> Iterator[Reading]:
    rows = {(r[0], str(r[3]) if len(r) > 3 else ""): r for r in CORPUS}
    for r in rows.values():
        yield reading(r[0], r[0], kinds=r[3] if len(r) > 3 else None)
    for name, text in {"svm": SVM, "softmax": SOFTMAX, "softmax by p": SOFTMAX_BY_P, "factors": FACTORS}.items():
        yield reading(name, text)


def of_forms() -> Iterator[Reading]:
    for notation, text, said, *rest in FORMS:
        if len(rest) == 2:
            yield reading(f"{notation} {text}", text, notation, DECLARED if said else None, KINDS if said else None)


def of_latex() -> Iterator[Reading]:
    for text, said, _, *target in TEXTS:
        yield reading(text, text, "latex", target=target[0] if target else None, **declared(said)[0])


def of_numpy() -> Iterator[Reading]:
    for p in entries():
        text, _, dims = p.values
        sizes = {n: tuple(int(d) if d.isdigit() else d for d in shape) for n, (shape, _) in dims.items()}
        kinds = {n: f"label {flag[1:]}" for n, (_, flag) in dims.items() if flag[:1] == "<"}
        yield reading(p.id, text, "numpy", sizes, kinds)
    for line in EXPRESSIONS.strip().splitlines():
        for text in line.split(";"):
            yield reading(text.strip(), text.strip(), "numpy", SHAPES, LABELS)


def of_generator(count: int) -> Iterator[Reading]:
    for seed in range(count):
        c = case(f"printed {seed}")
        yield reading(c.text, c.text, "iverson", c.sizes, c.kinds)


SOURCES: dict[str, Callable[[], Iterator[Reading]]] = {
    "corpus": of_corpus, "forms": of_forms, "latex": of_latex, "numpy": of_numpy, "generator": lambda: of_generator(2000)}
