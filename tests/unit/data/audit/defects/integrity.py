"""Defects of integrity."""

from __future__ import annotations

import numpy as np

from defects.defect import ROWS, VIDEO, Defect, change_column, change_frames, change_table
from defects.plants import (
    INFO,
    SECOND,
    SHARED,
    STATS,
    TASKS,
    blacken,
    copy_episode,
    copy_video,
    cut,
    damaged_middle,
    gone,
    hold,
    leftover,
    link_out,
    other_size,
    put,
    row,
    seen,
    shorten,
    slow_camera,
    task_flip,
    told,
    unused,
    wide_actions,
)

INTEGRITY: list[Defect] = [
    Defect("NaN in an action", "finite: action", put("action", (5, 0), np.nan)),
    Defect(
        "infinity in a state",
        "finite: observation.state",
        put("observation.state", (9, 1), np.inf),
        base="foreign",
    ),
    Defect("an action beyond its limits", "range: action.right", put("action", (5, 0), 1.5)),
    Defect(
        "a state beyond its limits",
        "range: observation.state.y",
        put("observation.state", (5, 1), -2.0),
        "warn",
    ),
    Defect("a timestamp off the beat", "timestamps", put("timestamp", 7, 0.75)),
    Defect("time that goes back", "timestamps: order", put("timestamp", 7, 0.1)),
    Defect("a frame numbered twice", "index: frame_index", put("frame_index", 7, 6)),
    Defect(
        "a row that belongs to another episode", "index: episode_index", put("episode_index", 30, 4)
    ),
    Defect(
        "row numbers that jump",
        "index: index",
        lambda root: change_column(root, "index", lambda v: v[::-1]),
    ),
    Defect("another task within an episode", "index: task_index", task_flip, base="foreign"),
    Defect("two episodes with the same drive", "duplicate episodes", copy_episode, "warn"),
    Defect("an episode shorter than a chunk", "short episodes", shorten, "warn"),
    Defect("an episode of an unusual length", "lengths", shorten, "warn"),
    Defect(
        "an outcome that counts other steps",
        "outcomes",
        lambda root: (root / "meta/loopyard_episodes.jsonl").write_text(
            (root / "meta/loopyard_episodes.jsonl")
            .read_text()
            .replace('"steps": 24', '"steps": 240', 1)
        ),
        "warn",
    ),
    Defect("an episode whose frames are black", "black frames: ego", seen(blacken)),
    Defect("a camera that froze", "frozen frames: ego", seen(hold(4, 14)), "warn", thorough=True),
    Defect(
        "a camera of a third of the rate",
        "duplicated frames: ego",
        slow_camera,
        "warn",
        thorough=True,
    ),
    Defect("the same video for two episodes", "duplicated videos: ego", copy_video, "warn"),
    Defect("a video with frames missing", "video frames: ego", seen(lambda f: f[:-4])),
    Defect("a video with frames too many", "video frames: ego", seen(lambda f: [*f, *f[:3]])),
    Defect("a video of another size", "video size: ego", other_size),
    Defect(
        "a video of another rate",
        "video rate: ego",
        lambda root: change_frames(root, lambda f: f, fps=30),
    ),
    Defect(
        "a video encoded anew", "video changed: ego", seen(lambda f: [frame + 1 for frame in f])
    ),
    Defect("a video whose pictures are damaged", "decoding: ego", damaged_middle, thorough=True),
    Defect("a video cut off by a kill", "video unfinished", cut(VIDEO)),
    Defect(
        "a video that is something else",
        "video damaged",
        lambda root: (root / SHARED).write_bytes(b"no video" * 99),
        base="foreign",
    ),
    Defect("a missing video", "video missing", gone(SHARED), base="foreign"),
    Defect("a data file without a footer", "parquet unfinished", cut(SECOND), base="foreign"),
    Defect("an episode table without a footer", "parquet unfinished", cut(ROWS), base="foreign"),
    Defect("a missing data file", "parquet missing", gone(SECOND), base="foreign"),
    Defect(
        "a data file with rows missing",
        "parquet rows",
        lambda root: change_table(root, lambda t: t.slice(0, len(t) - 5)),
    ),
    Defect("a data file that no episode names", "unused files", unused, "warn"),
    Defect(
        "a damaged task table",
        "parquet damaged",
        lambda root: (root / TASKS).write_bytes(b"PAR1" + bytes(90) + b"PAR1"),
    ),
    Defect(
        "a column of another type",
        "metadata: features",
        lambda root: change_table(root, wide_actions),
    ),
    Defect(
        "a declared column that is not there",
        "metadata: features",
        lambda root: change_table(root, lambda t: t.drop_columns(["executed_action"])),
    ),
    Defect(
        "a column that nothing declares",
        "metadata: features",
        lambda root: change_table(root, lambda t: t.append_column("secret", t["index"])),
    ),
    Defect(
        "a wrong number of frames",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_frames=999)),
    ),
    Defect(
        "a wrong number of episodes",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_episodes=13)),
        base="foreign",
    ),
    Defect(
        "a wrong number of tasks",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_tasks=7)),
        base="foreign",
    ),
    Defect(
        "a split beyond the episodes",
        "metadata: splits",
        told(INFO, lambda i: i.update(splits={"train": "0:99"})),
    ),
    Defect(
        "two splits that overlap",
        "metadata: splits",
        told(INFO, lambda i: i.update(splits={"train": "0:10", "val": "8:12"})),
        base="foreign",
    ),
    Defect(
        "an episode numbered twice",
        "metadata: episode rows",
        row("episode_index", 3, 2),
        base="foreign",
    ),
    Defect(
        "episodes that do not join",
        "metadata: episode rows",
        row("dataset_to_index", 3, 90),
        base="foreign",
    ),
    Defect(
        "an episode longer than its video span",
        "video timestamps: side",
        row("videos/observation.images.side/to_timestamp", 2, 99.0),
        base="foreign",
    ),
    Defect(
        "an episode whose task nobody told",
        "metadata: tasks",
        row("tasks", 2, ["fly"]),
        base="foreign",
    ),
    Defect(
        "statistics of other data",
        "statistics: action",
        told(STATS, lambda s: s["action"].update(mean=[0.5, 0.5])),
    ),
    Defect(
        "statistics of another count",
        "statistics: observation.state",
        told(STATS, lambda s: s["observation.state"].update(count=[10])),
    ),
    Defect(
        "an episode with the statistics of another",
        "statistics: episode rows",
        row("stats/action/mean", 3, [0.9, 0.9]),
        base="foreign",
    ),
    Defect(
        "missing statistics",
        "statistics: action",
        told(STATS, lambda s: s.pop("action")),
        base="foreign",
    ),
    Defect(
        "camera statistics without channels",
        "statistics: observation.images.ego",
        told(STATS, lambda s: s["observation.images.ego"].update(mean=[0.5])),
    ),
    Defect(
        "info.json of an older version",
        "metadata: info.json",
        told(INFO, lambda i: i.update(codebase_version="v2.1")),
        base="foreign",
    ),
    Defect("statistics that are no JSON", "metadata: stats.json", cut(STATS), base="foreign"),
    Defect("our own metadata cut off", "metadata: loopyard.json", cut("meta/loopyard.json")),
    Defect(
        "pictures that a killed recorder left",
        "recording left over",
        leftover,
        "warn",
        base="foreign",
    ),
    Defect(
        "a pickle among the data",
        "foreign files",
        lambda root: (root / "meta/extra.pkl").write_bytes(b"cos\nsystem\n"),
        "warn",
    ),
    Defect("a link that leads out of the folder", "outside the folder", link_out),
]
