"""One kind of yard, built: its physics and the views of it."""

from __future__ import annotations

from collections import OrderedDict

from loopyard.worlds.rendering import CameraView
from loopyard.worlds.yard.body import YardBody
from loopyard.worlds.yard.params import YardParams

STAGES_KEPT = 3
"""Models that a world keeps for scenarios to come back to."""


class Stage:
    """One kind of yard: its physics and the views of it."""

    def __init__(self, body: YardBody) -> None:
        self.body = body
        self._views: dict[tuple[int, int, bool, bool], CameraView] = {}

    def view(self, width: int, height: int, *, pretty: bool, even: bool = False) -> CameraView:
        key = width, height, pretty, even
        if key not in self._views:
            self._views[key] = CameraView(
                self.body.model,
                width,
                height,
                pretty=pretty,
                even=even,
                shadows=any(feature.shadows for feature in self.body.features),
                mirrors=any(feature.mirrors for feature in self.body.features),
            )
        return self._views[key]

    def close(self) -> None:
        for view in self._views.values():
            view.close()
        self._views = {}


class Stages:
    """The last few stages, by what they were built for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[YardParams, bool], Stage] = OrderedDict()

    def of(self, params: YardParams, *, randomised: bool = False) -> Stage:
        """The stage of these parameters, for randomised scenes or not: kept, or built."""
        key = params, randomised
        if key not in self._kept:
            self._kept[key] = Stage(YardBody(params, randomised=randomised))
            if len(self._kept) > STAGES_KEPT:
                self._kept.popitem(last=False)[1].close()
        self._kept.move_to_end(key)
        return self._kept[key]

    def close(self) -> None:
        for stage in self._kept.values():
            stage.close()
