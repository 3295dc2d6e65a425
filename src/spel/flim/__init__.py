"""FLIM: learning networks from strokes drawn on a few images, without backpropagation.

Five steps, each a pure function: `statistics`, `samples`, `clusters`, `consensus`, `bank`; `learn`
runs them through a network.
"""

from spel.flim.atrous import atrous
from spel.flim.bank import bank, border_of
from spel.flim.checks import check_markers
from spel.flim.cluster import clusters
from spel.flim.consensus import consensus
from spel.flim.edit import choose, drop, invert, relearn, unlearned
from spel.flim.learn import learn
from spel.flim.linear_decoder import linear_decoder
from spel.flim.mixtures import label_from_strokes
from spel.flim.points import feature_points, points_bank
from spel.flim.robot import robot_correction, robot_markers
from spel.flim.samples import Samples, samples
from spel.flim.statistics import Statistics, statistics

__all__ = [
    "Samples",
    "Statistics",
    "atrous",
    "bank",
    "border_of",
    "check_markers",
    "choose",
    "clusters",
    "consensus",
    "drop",
    "feature_points",
    "invert",
    "label_from_strokes",
    "learn",
    "linear_decoder",
    "points_bank",
    "relearn",
    "robot_correction",
    "robot_markers",
    "samples",
    "statistics",
    "unlearned",
]
