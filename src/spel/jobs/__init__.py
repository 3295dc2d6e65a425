"""Jobs: a frozen configuration, picklable tasks, and results in the order of the sources."""

from spel.jobs.apply import ApplyJob
from spel.jobs.classify import ClassifyJob
from spel.jobs.cut import CutJob
from spel.jobs.detect import DetectJob
from spel.jobs.features import FeaturesJob
from spel.jobs.network_job import NetworkJob
from spel.jobs.segment import SegmentJob

__all__ = [
    "ApplyJob",
    "ClassifyJob",
    "CutJob",
    "DetectJob",
    "FeaturesJob",
    "NetworkJob",
    "SegmentJob",
]
