"""Long runs: tasks, worker processes, the manifest, shards, tiles, Dask clusters."""

from spel.runs.manifest import Entry, Manifest
from spel.runs.pool import Pool
from spel.runs.scheduler import run_tasks
from spel.runs.shard import Shard
from spel.runs.stop import Interrupted, Stop
from spel.runs.task import Failure, Identity, Outcome, Task

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
