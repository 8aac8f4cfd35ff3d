"""One way to ask torch and JAX for a value, gradients and checks; each is imported when it is asked for."""

import numpy as np
import pytest


class Torch:
    name = "torch"

    def __init__(self):
        self.torch = pytest.importorskip("torch")
        self.torch.set_num_threads(1)

    def array(self, v, dtype=None):
        return self.torch.tensor(np.asarray(v), dtype=getattr(self.torch, dtype) if dtype else None)

    def gradients(self, loss, arrays, wrt):
        given = {n: a.requires_grad_() if n in wrt else a for n, a in arrays.items()}
        value = loss(**given)
        return value.detach().numpy(), [g.numpy() for g in self.torch.autograd.grad(value, [given[n] for n in wrt])]

    def both(self, f, arrays):
        value, gradients = f(**arrays)
        return value.numpy(), {n: g.numpy() for n, g in gradients.items()}

    def check(self, loss, arrays, wrt):
        """Derivatives of order 1 and 2 agree with differences."""
        given = [arrays[n].requires_grad_() for n in wrt]
        f = lambda *p: loss(**{**arrays, **dict(zip(wrt, p, strict=True))})
        assert self.torch.autograd.gradcheck(f, given) and self.torch.autograd.gradgradcheck(f, given)


class Jax:
    name = "jax"

    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)

    def array(self, v, dtype=None):
        return self.jax.numpy.asarray(v, dtype)

    def gradients(self, loss, arrays, wrt):
        f = lambda p: loss(**{**arrays, **p})
        value, found = self.jax.jit(self.jax.value_and_grad(f))({n: arrays[n] for n in wrt})
        return np.asarray(value), [np.asarray(found[n]) for n in wrt]

    def both(self, f, arrays):
        value, gradients = self.jax.jit(lambda a: f(**a))(arrays)
        return np.asarray(value), {n: np.asarray(g) for n, g in gradients.items()}

    def check(self, loss, arrays, wrt):
        from jax.test_util import check_grads

        f = lambda *p: loss(**{**arrays, **dict(zip(wrt, p, strict=True))})
        check_grads(self.jax.jit(f), tuple(arrays[n] for n in wrt), order=2, modes=["rev"], rtol=1e-3, atol=1e-3)


FRAMEWORKS = {"torch": Torch, "jax": Jax}
