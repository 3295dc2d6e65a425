"""Long runs: tasks, worker processes, the manifest, shards, tiles, Dask clusters."""

from spel.run.manifest import Entry, Manifest
from spel.run.pool import Pool
from spel.run.scheduler import run_tasks
from spel.run.shard import Shard
from spel.run.stop import Interrupted, Stop
from spel.run.task import Failure, Identity, Outcome, Task

__all__ = [
    "Entry",
    "Failure",
    "Identity",
    "Interrupted",
    "Manifest",
    "Outcome",
    "Pool",
    "Shard",
    "Stop",
    "Task",
    "run_tasks",
]
