"""Options of the suite."""

import os

# the suite runs one process a core: threads of BLAS beside them only wait for each other
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write the golden files anew")
