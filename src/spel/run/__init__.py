"""Runs that survive: tasks, workers that are replaced, a journal, shards, tiles."""

from spel.run.manifest import Entry, Manifest
from spel.run.pool import Pool
from spel.run.scheduler import answers
from spel.run.shard import Shard
from spel.run.stop import Interrupted, Stop
from spel.run.task import Answer, Failure, Identity, Task

__all__ = [
    "Answer",
    "Entry",
    "Failure",
    "Identity",
    "Interrupted",
    "Manifest",
    "Pool",
    "Shard",
    "Stop",
    "Task",
    "answers",
]
