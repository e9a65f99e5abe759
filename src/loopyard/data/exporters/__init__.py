"""Datasets into the forms of other systems."""

from loopyard.data.exporters.registry import FORMATS, export_dataset

__all__ = ["FORMATS", "export_dataset"]
