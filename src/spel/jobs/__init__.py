"""Jobs: a frozen configuration, one picklable task per image, results collected in order."""

from spel.jobs.detect import DetectJob, DetectTask
from spel.jobs.evaluate import EvaluateJob, Evaluation
from spel.jobs.runner import Report, run
from spel.run import Failure

__all__ = [
    "DetectJob",
    "DetectTask",
    "EvaluateJob",
    "Evaluation",
    "Failure",
    "Report",
    "run",
]
