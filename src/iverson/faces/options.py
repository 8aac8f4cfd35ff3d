"""Options that every command takes, and what their texts mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from ..core.errors import IversonError


def kept(context: click.Context, option: click.Parameter, value: Any) -> None:
    """An option that only the reading of the text asks for."""
    context.meta[f"iverson.{option.name}"] = value


def targeted(f: Callable[..., Any]) -> Callable[..., Any]:
    """--target as another word for --formula, on commands whose own options leave that name free."""
    said = "The same as --formula."
    return click.option("--target", help=said, expose_value=False, callback=kept)(f)


def reading() -> dict[str, Any]:
    """The arguments of `parse` that were kept."""
    meta = click.get_current_context().meta
    formula, target = meta.get("iverson.formula"), meta.get("iverson.target")
    if formula and target and formula != target:
        raise IversonError("usage", "--formula and --target are two words for one thing here.", hint="Give one of them.")
    return {"symbols": as_symbols(meta.get("iverson.symbols") or ""), "formula": formula or target}


def common(f: Callable[..., Any]) -> Callable[..., Any]:
    """--notation, --sizes, --kinds, and --symbols and --formula, which say what LaTeX leaves open."""
    said = "Of a text with several formulas, the left side of the one to take."
    for option in (
        click.option("--formula", help=said, expose_value=False, callback=kept),
        click.option("--symbols", default="", help=r'"y_hat=\hat{y}; X=x^{(i)} row"', expose_value=False, callback=kept),
        click.option("--kinds", default="", help='"y=label K; A=symmetric"'),
        click.option("--sizes", default="", help='"X=N,D; w=D; b=; r=8"'),
        click.option("--notation", type=click.Choice(["auto", "iverson", "numpy", "latex", "unicode"]), default="auto"),
    ):
        f = option(f)
    return f


def pairs(text: str, option: str) -> list[tuple[str, str]]:
    """`a=1; b=2` as pairs."""
    found = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise IversonError("usage", f"{option}: {part!r} is not name=value.")
        found.append((name.strip(), value.strip()))
    return found


def as_sizes(text: str) -> dict[str, Any]:
    """Dims of inputs as tuples; a lone number is the value of a size."""
    found: dict[str, Any] = {}
    for name, value in pairs(text, "--sizes"):
        dims = tuple(
            int(d) if d.isdigit() else d for d in filter(None, (d.strip() for d in value.split(",")))
        )
        found[name] = dims[0] if len(dims) == 1 and isinstance(dims[0], int) else dims
    return found


def as_kinds(text: str) -> dict[str, str]:
    return dict(pairs(text, "--kinds"))


def as_symbols(text: str) -> dict[str, Any]:
    r"""`y_hat=\hat{y}; X=x^{(i)} row` as symbols, with the slice a symbol stands for."""
    found: dict[str, Any] = {}
    for name, value in pairs(text, "--symbols"):
        symbol, _, form = value.rpartition(" ")
        found[name] = (symbol.strip(), form) if form in ("row", "column", "entry") else value
    return found


def as_columns(text: str) -> dict[str, str]:
    return dict(pairs(text.replace(",", ";"), "--columns"))


def as_numbers(texts: Iterable[str]) -> dict[str, float]:
    """`reg=1e-3` as numbers by name."""
    found = {}
    for name, value in pairs(";".join(texts), "--set"):
        try:
            found[name] = float(value)
        except ValueError:
            raise IversonError("usage", f"--set {name}: {value!r} is not a number.") from None
    return found


def as_integers(text: str) -> dict[str, int]:
    """`D=784; K=10` as sizes by name."""
    found = {}
    for name, value in pairs(text, "--dims"):
        if not value.isdecimal() or int(value) < 1:
            raise IversonError("usage", f"--dims {name}: {value!r} is no size.")
        found[name] = int(value)
    return found


def names(text: str) -> list[str]:
    """`U,V` as names; the commas of `s[i,k]` do not part."""
    found, depth, start = [], 0, 0
    for p, c in enumerate(text + ","):
        depth += (c == "[") - (c == "]")
        if c == "," and depth == 0:
            found.append(text[start:p].strip())
            start = p + 1
    return [n for n in found if n]
