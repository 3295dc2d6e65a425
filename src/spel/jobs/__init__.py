"""Jobs: a frozen configuration, picklable tasks, and results in the order of the sources."""

from spel.jobs.detect import DetectTask, detect_tasks
from spel.jobs.detect_job import DetectJob
from spel.jobs.evaluate import EvaluateJob, Evaluation
from spel.jobs.runner import RunReport, run
from spel.runs import Failure

__all__ = [
    "DetectJob",
    "DetectTask",
    "EvaluateJob",
    "Evaluation",
    "Failure",
    "RunReport",
    "detect_tasks",
    "run",
]
