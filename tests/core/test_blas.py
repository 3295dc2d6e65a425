"""Products of matrices use one thread where their bits are promised."""

from __future__ import annotations

import subprocess
import sys


def test_libraries_that_were_not_loaded_use_one_thread_too() -> None:
    program = (
        "from spel.core.threads import blas_in_one_thread\n"
        "with blas_in_one_thread():\n"
        "    import scipy.linalg, threadpoolctl\n"
        "    pools = threadpoolctl.threadpool_info()\n"
        "    print({pool['num_threads'] for pool in pools if pool['user_api'] == 'blas'})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "{1}"
