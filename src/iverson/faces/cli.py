"""The command line: results on stdout, everything else on stderr, exit codes that scripts can rely on.

Exit   0 ok, 1 the answer is no, 2 usage or syntax, 3 data or shape, 130 interrupted
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .. import api
from ..core.errors import IversonError
from .options import as_columns, as_integers, as_kinds, as_numbers, as_sizes, common, names, reading, targeted

EXIT = {"data": 3, "shape": 3}


class Group(click.Group):
    """Commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="iverson")
def iverson() -> None:
    """From a loss on paper to its verified gradient, derivation, code and trained model."""


def say(text: str) -> None:
    click.echo(text, err=True)


def source_of(text: str) -> Any:
    """The argument itself, the file it names, or standard input for -."""
    if text == "-":
        return sys.stdin.read()
    if text.endswith((".iv", ".py", ".tex")) or (os.path.sep in text and Path(text).is_file()):
        return Path(text)
    return text


def file_or_text(text: str) -> str:
    """A candidate: the text itself, or what the file holds that it names."""
    return Path(text).read_text(encoding="utf-8").strip() if text.endswith((".iv", ".txt", ".py", ".tex")) else text


def read(source: str, notation: str, sizes: str, kinds: str) -> Any:
    return api.parse(source_of(source), notation, as_sizes(sizes), as_kinds(kinds), **reading())


def document(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


@iverson.command()
@click.argument("source")
@click.option("--wrt", help="The input to derive by, or several: U,V. Without it the loss is simplified.")
@click.option("--order", type=click.IntRange(1, 4), default=1, help="2 for the Hessian, up to 4.")
@click.option("--form", type=click.Choice(["matrix", "index", "program"]), help="The form to print.")
@click.option("--format", "style", type=click.Choice(["text", "unicode", "latex", "einsum"]), default="text")
@click.option("--layout", type=click.Choice(["transposed", "vec"]), help="vec: the matrix from vec(input) to vec(output).")
@click.option("--upstream", help="Name of the gradient by the result: a vector-Jacobian product.")
@click.option("--symmetric", type=click.Choice(["ambient", "projected", "entries"]), default="ambient")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@targeted
@common
def derive(
    source: str,
    wrt: str | None,
    order: int,
    form: str | None,
    style: str,
    layout: str | None,
    upstream: str | None,
    symmetric: str,
    as_json: bool,
    notation: str,
    sizes: str,
    kinds: str,
) -> None:
    """The gradient, Jacobian or Hessian of SOURCE, a formula or a file."""
    every = as_kinds(kinds)
    own = {n: k for n, k in every.items() if n != upstream}
    loss = api.parse(source_of(source), notation, as_sizes(sizes), own, **reading())
    if wrt is None:
        simplify(loss, as_json)
        return
    extra = {upstream: every[upstream]} if upstream and upstream in every else None
    found = api.derive(loss, names(wrt), order, upstream=upstream, layout=layout, symmetric=symmetric, kinds=extra)
    if as_json:
        document({label(n): derivation_record(d) for n, d in found.items()})
        return
    say(loss.reading)
    for name, d in found.items():
        click.echo((f"d{label(name)} = " if len(found) > 1 else "") + printed(d, form, style))
        remarks(d)


def label(name: Any) -> str:
    """An input, or the two inputs of a block of second derivatives."""
    return name if isinstance(name, str) else " d".join(name)


def simplify(loss: Any, as_json: bool) -> None:
    """Without an input to derive by: the loss with its brackets decided."""
    if as_json:
        document({"simplified": loss.simplified, "reading": loss.reading})
        return
    say(loss.reading)
    click.echo(loss.simplified)


def printed(d: Any, form: str | None, style: str) -> str:
    if form == "index":
        return d.index_form + (f" where {', '.join(d.where)}" if d.where else "")
    if form == "program":
        return d.program
    if form == "matrix" and d.form == "index":
        raise IversonError(
            "unsupported", "This derivative has no matrix form.", hint="Use --form index or --form program."
        )
    return d.text(style)


def remarks(d: Any) -> None:
    """What goes with an answer: conditions, kinks, the comparison with numbers."""
    for text in (*d.notes, *d.kinks):
        say(f"note: {text}")
    if d.order > 1 and d.structure.kind not in ("dense", "zero"):
        say(f"structure: {d.structure.text}")
    say(f"verified: {d.verified}")


def derivation_record(d: Any) -> dict[str, Any]:
    return {
        "formula": d.formula,
        "where": list(d.where),
        "form": d.form,
        "index_form": d.index_form,
        "program": d.program.splitlines(),
        "latex": d.latex,
        "shape": list(d.shape),
        "kinks": list(d.kinks),
        "notes": list(d.notes),
        "verified": str(d.verified),
        "reading": d.loss.reading.splitlines(),
    }


@iverson.command()
@click.argument("source")
@click.option("--wrt", required=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en")
@click.option("--format", "style", type=click.Choice(["text", "markdown", "latex"]), default="text")
@targeted
@common
def explain(source: str, wrt: str, lang: str, style: str, notation: str, sizes: str, kinds: str) -> None:
    """The derivation, line by line."""
    for d in api.derive(read(source, notation, sizes, kinds), names(wrt)).values():
        click.echo(d.explain(lang, style), nl=False)


@iverson.command()
@click.argument("source")
@click.option("--wrt", required=True)
@click.option("--mine", required=True, help="The gradient you derived, in iverson notation, NumPy or LaTeX, or a file of it.")
@click.option("--mine-notation", type=click.Choice(["auto", "iverson", "numpy", "latex"]), default="auto")
@click.option("--order", type=click.IntRange(1, 2), help="2 for a Hessian; by default told from its shape.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en")
@click.option("--json", "as_json", is_flag=True)
@targeted
@common
def check(
    source: str,
    wrt: str,
    mine: str,
    mine_notation: str,
    order: int | None,
    lang: str,
    as_json: bool,
    notation: str,
    sizes: str,
    kinds: str,
) -> None:
    """Whether a gradient you derived is right, and if not why; exit 1 when it is not."""
    loss = read(source, notation, sizes, kinds)
    verdict = api.check(loss, wrt, file_or_text(mine), mine_notation, order=order, lang=lang)
    document(verdict.record()) if as_json else click.echo(repr(verdict))
    sys.exit(0 if verdict.ok else 1)


@iverson.command()
@click.argument("source")
@click.option("--wrt", required=True, help="The variable, or several together: U,V")
@click.option("--json", "as_json", is_flag=True)
@common
def convexity(source: str, wrt: str, as_json: bool, notation: str, sizes: str, kinds: str) -> None:
    """Whether SOURCE is convex, with a certificate or a counter-example; exit 1 where it is not or nothing is known."""
    found = api.convexity(source_of(source), wrt, notation, as_sizes(sizes), as_kinds(kinds))
    document(found.record()) if as_json else click.echo(repr(found))
    sys.exit(1 if found.kind in ("not convex", "unknown") else 0)


@iverson.command()
@click.argument("note")
@click.option("--format", "style", type=click.Choice(["text", "json", "sarif", "html"]), default="text")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en")
@click.option("--all", "every", is_flag=True, help="Also what is right, as text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file instead of stdout.")
def lint(note: str, style: str, lang: str, every: bool, as_json: bool, output: str | None) -> None:
    """Judge every formula and code block of NOTE, Markdown or LaTeX; exit 1 when something is wrong."""
    if note != "-" and not Path(note).is_file():
        raise IversonError("usage", f"There is no file {note}.")
    found = api.lint(sys.stdin.read() if note == "-" else Path(note), lang, "stdin" if note == "-" else note)
    shown = {
        "text": lambda: found.text(every=every),
        "json": lambda: json.dumps(found.record(), ensure_ascii=False, indent=1),
        "sarif": lambda: json.dumps(found.sarif(), ensure_ascii=False, indent=1),
        "html": found.html,
    }["json" if as_json else style]()
    if output is None:
        click.echo(shown.rstrip("\n"))
    else:
        Path(output).write_text(shown, encoding="utf-8")
        say(f"written to {output}")
    sys.exit(0 if found.ok else 1)


@iverson.command()
@click.argument("source")
@click.option("--wrt", required=True)
@click.option("--target", type=click.Choice(["numpy", "torch", "jax", "xgboost", "lightgbm"]), default="numpy")
@click.option("-o", "--output", type=click.Path(dir_okay=False))
@common
def code(
    source: str, wrt: str, target: str, output: str | None, notation: str, sizes: str, kinds: str
) -> None:
    """A readable module with the value and the gradients: NumPy, torch, JAX; or an objective for boosting."""
    text = api.module(read(source, notation, sizes, kinds), names(wrt), target)
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
        say(f"written to {output}")


@iverson.command()
@click.argument("source")
@click.option("--to", type=click.Choice(["iverson", "matrix", "latex", "unicode", "numpy"]), required=True)
@targeted
@common
def convert(source: str, to: str, notation: str, sizes: str, kinds: str) -> None:
    """A loss in another notation."""
    click.echo(api.convert(read(source, notation, sizes, kinds), to).rstrip("\n"))


@iverson.command()
@click.argument("source")
@click.option("--wrt", help="The input to derive by, or several: U,V. By default the inputs declared as param.")
@click.option("--n", "samples", type=float, default=1e6, help="The number of samples: 1e6")
@click.option("--dims", default="", help='Other sizes, "D=784; K=10"; by default 10 classes and 32 of everything else.')
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float64")
@click.option("--threads", type=click.IntRange(1), default=1)
@click.option("--seconds", type=float, default=8.0, help="How long to go on, 3 runs at least.")
@click.option("--json", "as_json", is_flag=True)
@common
def bench(
    source: str,
    wrt: str | None,
    samples: float,
    dims: str,
    dtype: str,
    threads: int,
    seconds: float,
    as_json: bool,
    notation: str,
    sizes: str,
    kinds: str,
) -> None:
    """The time of value and gradient beside NumPy, torch and JAX, in one process of its own."""
    wanted = api.bench_environment(threads)
    if wanted is not None:
        args = click.get_current_context().find_root().obj or sys.argv[1:]
        sys.exit(subprocess.run([sys.executable, "-m", "iverson", *args], env=wanted).returncode)
    loss = read(source, notation, sizes, kinds)
    by = names(wrt) if wrt else [i.name for i in loss.typed.inputs.values() if i.role == "param"]
    record = api.bench(loss, by[0] if len(by) == 1 else by, int(samples), as_integers(dims), dtype, threads, seconds=seconds)
    document(record) if as_json else click.echo(record.text())


@iverson.command()
@click.argument("source")
@click.option("--data", required=True, help="A .csv, .npy or .npz file.")
@click.option("--label", help="The column to predict.")
@click.option("--columns", default="", help="Inputs from columns: u=user,v=item,y=clicked")
@click.option("--wrt", help="The parameters; by default the inputs declared as param.")
@click.option("-o", "--output", "folder", required=True, help="The folder of the model.")
@click.option("--holdout", type=float, default=0.0, help="Share of rows kept out and scored.")
@click.option("--seed", type=int, default=0)
@click.option("--standardize", is_flag=True, help="Columns to mean 0 and variance 1.")
@click.option("--set", "scalars", multiple=True, help="A scalar: reg=1e-3")
@click.option("--max-iter", type=int, default=15_000)
@click.option("--tol", type=float, default=1e-9, help="Largest entry of the gradient at the end.")
@click.option("--init", type=click.Choice(["auto", "zero", "normal", "one"]), default="auto")
@click.option("--json", "as_json", is_flag=True)
@common
def fit(
    source: str,
    data: str,
    label: str | None,
    columns: str,
    wrt: str | None,
    folder: str,
    scalars: tuple[str, ...],
    as_json: bool,
    notation: str,
    sizes: str,
    kinds: str,
    **settings: Any,
) -> None:
    """Train a loss on data and write the model."""
    api.check_model_folder(folder)
    model = api.fit(
        source_of(source),
        data,
        label=label,
        wrt=names(wrt) if wrt else None,
        columns=as_columns(columns),
        sizes=as_sizes(sizes),
        kinds=as_kinds(kinds),
        notation=notation,
        progress=progress_line(),
        scalars=as_numbers(scalars),
        **reading(),
        **settings,
    )
    api.save(model, folder)
    say("")
    how = {n: model.settings[n] for n in ("solver", "minimum")}
    if as_json:
        document({"scores": model.scores, "iterations": model.n_iter, "converged": model.converged, "model": folder,
                  "message": model.message, **how})  # fmt: skip
        return
    click.echo(f"{model.summary()}; written to {folder}")
    say(model.report)


def progress_line() -> Callable[[int, float, float], None]:
    """One line on stderr, overwritten on a terminal, every hundredth iteration elsewhere."""
    live = sys.stderr.isatty()

    def show(iteration: int, loss: float, gradient: float) -> None:
        if live or iteration % 100 == 0:
            click.echo(
                f"{chr(13) if live else ''}iteration {iteration}  loss {loss:.8g}  gradient {gradient:.1e}  ",
                nl=not live,
                err=True,
            )

    return show


@iverson.command()
@click.argument("model")
@click.option("--data", required=True)
@click.option("--columns", default="")
@click.option("-o", "--output", default="-", help="A CSV file; - is stdout.")
def predict(model: str, data: str, columns: str, output: str) -> None:
    """Predictions of a model, a row each."""
    api.predict(api.load(model), data, columns=as_columns(columns), output=output)


@iverson.command()
@click.argument("model")
@click.option("--data", required=True)
@click.option("--label")
@click.option("--columns", default="")
@click.option("--json", "as_json", is_flag=True)
def score(model: str, data: str, label: str | None, columns: str, as_json: bool) -> None:
    """The loss of a model on data and, for labels, the accuracy."""
    found = api.score(api.load(model), data, label=label, columns=as_columns(columns))
    if as_json:
        document(found)
        return
    for name, value in found.items():
        if value is not None:
            click.echo(f"{name} {value:.10g}")


def main(args: list[str] | None = None) -> None:
    """Run the command line; every error of ours is a message and an exit code, never a traceback."""
    try:
        iverson.main(args=args, standalone_mode=False, obj=args)
    except IversonError as error:
        if "--json" in (args if args is not None else sys.argv):
            document({"error": error.record()})
        say(str(error))
        sys.exit(EXIT.get(error.kind, 2))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
