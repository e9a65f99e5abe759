"""Recordings of other systems into a dataset: one importer a form, one run for all of them."""

from loopyard.data.importers.importer import (
    EpisodeFacts,
    EpisodeRef,
    Frame,
    Importer,
    NoParams,
    Recording,
    StoredVideos,
)
from loopyard.data.importers.registry import make_importer
from loopyard.data.importers.run import Imported, import_recordings
from loopyard.data.importers.transform import Transform

__all__ = [
    "EpisodeFacts",
    "EpisodeRef",
    "Frame",
    "Imported",
    "Importer",
    "NoParams",
    "Recording",
    "StoredVideos",
    "Transform",
    "import_recordings",
    "make_importer",
]
