"""Defects planted into generated datasets, each to be found by the audit under its right name."""

from defects.bases import BASES
from defects.defect import Defect
from defects.health import HEALTH, make_moving
from defects.integrity import INTEGRITY

BASES["moving"] = make_moving
DEFECTS: list[Defect] = [*INTEGRITY, *HEALTH]

__all__ = ["BASES", "DEFECTS", "Defect"]
