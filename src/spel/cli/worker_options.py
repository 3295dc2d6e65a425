"""Options that say where learning runs: here, in processes, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import click

from spel.cli.options import gathered

workers_option = click.option(
    "--workers", type=click.IntRange(1, 1024), default=1, help="Processes."
)
dask_option = click.option(
    "--dask", metavar="local|tcp://...|tls://...", help="Work on a Dask cluster."
)
trust_option = click.option(
    "--i-trust-this-network",
    "trust",
    is_flag=True,
    help="Allow a scheduler on another machine without TLS.",
)


@dataclass(frozen=True)
class Place:
    """The values of the options."""

    workers: int
    dask: str | None
    trust: bool

    @property
    def is_here(self) -> bool:
        """Whether everything runs in this process."""
        return self.workers == 1 and self.dask is None

    def executor(self) -> AbstractContextManager[Executor | None]:
        """The executor of the cluster; None without one."""
        from spel.runs.dask_ import executor

        if self.dask is None:
            return nullcontext()
        return executor(self.dask, workers=self.workers, trust=self.trust)

    @contextmanager
    def open(self) -> Iterator[Callable[..., Iterator[Any]]]:
        """Start the workers; gives what runs tasks, and ends it at SIGINT or SIGTERM."""
        from spel.jobs.portions import in_workers
        from spel.runs import Stop

        with (
            self.executor() as executor,
            Stop() as stop,
            in_workers(self.workers, stop=stop, executor=executor) as run,
            stop.interrupting(),  # what is computed between the tasks ends at the first signal too
        ):
            yield run


place_options = gathered(Place, "place", workers_option, dask_option, trust_option)
"""Adds the options to a command, which receives them as `place`."""
