"""Simulated tasks. `registry.make_world` makes one; `world.World` is what each must offer."""

import os

# Both are read once: MUJOCO_GL when mujoco is imported, LP_NUM_THREADS when software GL starts.
# Without the second, software GL starts a thread for every core in every worker, which then fight.
os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")
