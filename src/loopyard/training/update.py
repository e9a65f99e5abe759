"""An update of the weights, over several cores: each takes some of the parameters.

What is left after the gradients is arithmetic on each weight by itself, and a fifth of a step's
time where one core does it while the others wait. Which core takes which changes no bit of it; the
norm of all gradients alone is rounded by the number of cores, as the gradients themselves are.
"""

from __future__ import annotations

import torch
from torch import nn

from loopyard.training.average import Average
from loopyard.training.parallel import Replicas


class Update:
    """Clips the gradients of a network, takes a step of AdamW and lets the average follow.

    AdamW: Loshchilov and Hutter, arXiv:1711.05101. clip: the largest norm of all gradients.
    """

    def __init__(
        self, replicas: Replicas, average: Average, *, lr: float, weight_decay: float, clip: float
    ):
        self._replicas, self._average, self._clip = replicas, average, clip
        learning = replicas.learning[0]
        self._parts = [[learning[place] for place in places] for places in replicas.parts if places]
        self._optimizers = [
            torch.optim.AdamW(part, lr=lr, weight_decay=weight_decay, fused=True)
            for part in self._parts
        ]

    def grad_norm(self) -> torch.Tensor:
        """() float32: the 2-norm of all gradients together."""
        norms = self._replicas.map(self._norm, self._parts)
        return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))

    def take(self, lr: float, grad_norm: torch.Tensor, n_updates: int) -> None:
        """Go one step with these gradients. n_updates: with this one."""

        def one(place: int) -> None:
            part, optimizer = self._parts[place], self._optimizers[place]
            nn.utils.clip_grads_with_norm_(part, self._clip, grad_norm)
            optimizer.param_groups[0]["lr"] = lr
            optimizer.step()
            self._average.update(part, n_updates)

        self._replicas.map(one, range(len(self._parts)))

    def state_of(self, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
        """What AdamW keeps of a parameter: step, exp_avg, exp_avg_sq; nothing before its first."""
        found = (one.state[parameter] for one in self._optimizers if parameter in one.state)
        return next(found, {})

    def put_state(self, parameter: nn.Parameter, state: dict[str, torch.Tensor]) -> None:
        """Set what `state_of` gave."""
        for part, optimizer in zip(self._parts, self._optimizers, strict=True):
            if any(parameter is one for one in part):
                optimizer.state[parameter] = state

    def forget(self) -> None:
        """As before the first step."""
        for optimizer in self._optimizers:
            optimizer.state.clear()

    @staticmethod
    def _norm(part: list[nn.Parameter]) -> torch.Tensor:
        return nn.utils.get_total_norm([one.grad for one in part if one.grad is not None])
