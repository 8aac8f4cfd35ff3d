"""Kernels built by the system's C compiler, in processes of their own that nobody waits for.

A kernel is several translation units.  Those that no loss changes are compiled once for a machine and kept as objects;
the others are small.  One shell runs the compilers side by side, links, and puts the library in place, also when the
process that asked for it has ended.  The compiler sees text of ours only.

Glossary   target: the library in the cache;  shared: a unit that every kernel of its type has in common.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .cache import folder, kept, raw_of, workplace

FLAGS = ("-O2", "-march=native", "-fPIC", "-pthread", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=fast", "-std=gnu11", "-w")
WIDE = ("-mprefer-vector-width=512",)  # of compilers for x86
# of units whose vectors are written out: what these passes look for is not there, and they take half of the time
SPELLED = ("-O1", "-fno-ivopts")
SECONDS = 120
COMPILERS = ("cc", "gcc", "clang")

# $1 the work folder, $2 the library, $3 the number of units, then the compiler and its flags.  Unit 3 is 3.c, its own flags are
# in 3.flags, 3.keep says where its object is to be kept.
SCRIPT = """
work=$1; made=$2; count=$3; shift 3
cd "$work" || exit 1
trap 'cd /; rm -rf "$work"' EXIT
ulimit -t SECONDS 2>/dev/null
n=0; all=; bad=
while [ $n -lt $count ]; do
  if [ ! -e $n.o ]; then "$@" $(cat $n.flags) -c -o $n.o $n.c 2>$n.err & all="$all $!"; fi
  n=$((n + 1))
done
for p in $all; do wait $p || bad=1; done
if [ -z "$bad" ]; then "$@" -shared -o kernel.so *.o -lm 2>link.err || bad=1; fi
if [ -n "$bad" ] || [ ! -s kernel.so ]; then cat *.err | head -c 4000; exit 1; fi
chmod 700 kernel.so && mv -f kernel.so "$made" || exit 1
n=0
while [ $n -lt $count ]; do
  if [ -e $n.keep ]; then chmod 600 $n.o; mv -f $n.o "$(cat $n.keep)"; fi
  n=$((n + 1))
done
exit 0
""".replace("SECONDS", str(SECONDS))


class NoCompiler(Exception):
    """No kernel can be built here; the message is the reason."""


@dataclass(frozen=True)
class Unit:
    """A translation unit; `spelled` where its loops are written in vectors, `shared` where no loss changes it."""

    text: str
    spelled: bool = False
    shared: bool = False


class Building:
    """A kernel on its way to `target`."""

    def __init__(self, target: Path, process: subprocess.Popen[bytes] | None) -> None:
        self.target, self.process, self.failed = target, process, ""

    def made(self) -> bool:
        """Whether the kernel is there; NoCompiler where it will not be.  Never waits."""
        if self.process is not None:
            if self.process.poll() is None:
                return False
            self.finish()
        if self.failed:
            raise NoCompiler(self.failed)
        return True

    def wait(self, seconds: float = SECONDS) -> None:
        """Until the kernel is there; NoCompiler where it will not be, or not in time."""
        if self.process is not None:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise NoCompiler("the compiler takes too long") from None
        self.made()

    def finish(self) -> None:
        """Read what the compilers said."""
        assert self.process is not None and self.process.stdout is not None
        said = self.process.stdout.read().decode("utf-8", "replace")
        self.process.stdout.close()
        if self.process.returncode or not kept(self.target):
            first = next((x for x in said.splitlines() if "error" in x), said.strip()[:200])
            self.failed = f"the compiler failed: {first or self.process.returncode}"
        RUNNING.pop(self.target, None)
        self.process = None


RUNNING: dict[Path, Building] = {}  # of this process; nobody starts one twice


def build(units: Sequence[Unit]) -> Building:
    """The library of these units, from the cache or on its way; NoCompiler where there is none."""
    command = compiler()
    where = folder()
    target = where / f"{digest(command, [u.text for u in units])}.so"
    for done in [b for b in RUNNING.values() if b.process is not None and b.process.poll() is not None]:
        with suppress(NoCompiler):
            done.made()
    if target in RUNNING:
        return RUNNING[target]
    if kept(target):
        return Building(target, None)
    RUNNING[target] = started = Building(target, start(command, units, target))
    return started


def start(command: Sequence[str], units: Sequence[Unit], target: Path) -> subprocess.Popen[bytes]:
    """The shell that compiles the units beside the target."""
    sh = shutil.which("sh")
    if sh is None:
        raise NoCompiler("there is no shell (sh) to run the compiler")
    work = workplace(target.parent)
    for n, u in enumerate(units):
        (work / f"{n}.c").write_text(u.text, "ascii")
        (work / f"{n}.flags").write_text(" ".join(SPELLED) if u.spelled else "")
        if u.shared:
            place = target.with_name(f"{digest(command, [u.text])}.o")
            if kept(place):
                shutil.copyfile(place, work / f"{n}.o")
            else:
                (work / f"{n}.keep").write_text(str(raw_of(place)))
    try:
        return subprocess.Popen([sh, "-c", SCRIPT, "sh", str(work), str(raw_of(target)), str(len(units)), *command, *flags()],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise NoCompiler(f"the compiler could not be run: {error}") from None


def flags() -> tuple[str, ...]:
    return (*FLAGS, *(WIDE if platform.machine() in ("x86_64", "AMD64") else ()))


def digest(command: Sequence[str], texts: Sequence[str]) -> str:
    """The name of what a compiler makes of texts on this machine."""
    told = "\0".join([*texts, *flags(), *SPELLED, *command, identity(command[0]), processor()])
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def compiler() -> tuple[str, ...]:
    """The C compiler: CC of the environment, cc, gcc or clang, or the one in the ziglang package."""
    asked = shlex.split(os.environ.get("CC", ""))
    for name in asked[:1] or COMPILERS:
        found = shutil.which(name)
        if found is not None:
            return (found, *asked[1:])
    if asked:
        raise NoCompiler(f"there is no C compiler {asked[0]}")
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise NoCompiler("there is no C compiler (cc)")


@cache
def identity(command: str) -> str:
    """What tells one compiler from another without running it."""
    real = os.path.realpath(command)
    found = os.stat(real)
    return f"{real} {found.st_size} {found.st_mtime_ns}"


@cache
def processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return "".join(sorted({x for x in lines if x.startswith(("model name", "flags", "Features"))}))
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.node()}"
