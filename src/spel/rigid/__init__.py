"""Rigid objects: a two-stage sliding-window detector, learned in closed form from boxes."""

from spel.rigid.classes import ClassWindows
from spel.rigid.config import RigidConfig
from spel.rigid.learn import learn_adjustment, learn_detector
from spel.rigid.windows import Windows

__all__ = ["ClassWindows", "RigidConfig", "Windows", "learn_adjustment", "learn_detector"]
