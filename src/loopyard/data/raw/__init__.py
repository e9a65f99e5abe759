"""The raw form: a folder an episode with one MP4 a camera, actions.jsonl and metadata.json."""

from loopyard.data.raw.exporter import export_raw
from loopyard.data.raw.importer import import_raw

__all__ = ["export_raw", "import_raw"]
