"""Optional extras: what each is for, whether it is there, and the line that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from loopyard.surface.checkup.finding import Finding

EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "vla": (("transformers", "peft"), "vision-language policies"),
    "hdf5": (("h5py",), "HDF5 recordings"),
    "bags": (("rosbags",), "ROS bags and MCAP"),
    "search": (("cma",), "looking for failing scenes"),
    "ray": (("ray",), "more than one machine"),
    "serve": (("msgpack", "websockets"), "the policy server and its client"),
    "s3": (("s3fs",), "copies of runs in S3"),
    "gcs": (("gcsfs",), "copies of runs in Google Cloud Storage"),
    "lerobot": (("lerobot",), "LeRobot's own library"),
}
"""{extra: (modules it brings, what for)}, as in pyproject.toml."""


def check_extras() -> list[Finding]:
    """One finding an extra; a missing one is no fault."""
    return [_extra(name, *facts) for name, facts in EXTRAS.items()]


def _extra(name: str, modules: tuple[str, ...], purpose: str) -> Finding:
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return Finding(f"[{name}]", "ok", f"installed, for {purpose}")
    line = f"pip install -c constraints.txt -e '.[{name}]'"
    return Finding(f"[{name}]", "ok", f"not installed; only needed for {purpose}", line)
