"""Defects planted into generated datasets, each to be found by the audit under its right name."""

from defects.bases import BASES
from defects.defect import Defect
from defects.integrity import INTEGRITY

DEFECTS: list[Defect] = [*INTEGRITY]

__all__ = ["BASES", "DEFECTS", "Defect"]
