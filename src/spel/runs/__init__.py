"""Long runs: jobs, tasks, worker processes, the manifest, shards, Dask clusters."""

from spel.errors import Interrupted
from spel.runs.function_job import FunctionJob
from spel.runs.image_job import ImageJob
from spel.runs.job import Job
from spel.runs.manifest import Entry, Manifest
from spel.runs.names import OutputFiles
from spel.runs.pool import Pool
from spel.runs.resume import ResumeState
from spel.runs.run_files import RunFiles
from spel.runs.runner import RunReport, run
from spel.runs.scheduler import run_tasks
from spel.runs.shard import Shard
from spel.runs.source_image import ImageRecord, Record, SourceImage
from spel.runs.stop import Stop
from spel.runs.task import Failure, Identity, Outcome, Task

__all__ = [
    "Entry",
    "Failure",
    "FunctionJob",
    "Identity",
    "ImageJob",
    "ImageRecord",
    "Interrupted",
    "Job",
    "Manifest",
    "Outcome",
    "OutputFiles",
    "Pool",
    "Record",
    "ResumeState",
    "RunFiles",
    "RunReport",
    "Shard",
    "SourceImage",
    "Stop",
    "Task",
    "run",
    "run_tasks",
]
