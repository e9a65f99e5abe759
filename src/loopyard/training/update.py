"""An update of the weights, over several cores: each takes some of the parameters.

What is left after the gradients is arithmetic on each weight by itself, and a fifth of a step's
time where one core does it while the others wait. Which core takes which changes no bit of it; the
norm of all gradients alone is rounded by the number of cores, as the gradients themselves are.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.adamw import adamw

from loopyard.training.average import Average
from loopyard.training.parallel import Replicas

BETAS, EPS = (0.9, 0.999), 1e-8
"""AdamW's own, as torch has them."""
State = dict[str, torch.Tensor]


class Update:
    """Clips the gradients of a network, takes a step of AdamW and lets the average follow.

    AdamW: Loshchilov and Hutter, arXiv:1711.05101, by torch's function for it: making an optimizer
    object imports torch's compiler, two seconds on one core. clip: the largest norm of all
    gradients.
    """

    def __init__(self, replicas: Replicas, average: Average, *, weight_decay: float, clip: float):
        self._replicas, self._average = replicas, average
        self._weight_decay, self._clip = weight_decay, clip
        learning = replicas.learning[0]
        self._parts = [[learning[place] for place in places] for places in replicas.parts if places]
        self._state: dict[nn.Parameter, State] = {}

    def grad_norm(self) -> torch.Tensor:
        """() float32: the 2-norm of all gradients together."""
        norms = self._replicas.map(self._norm, self._parts)
        return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))

    def take(self, lr: float, grad_norm: torch.Tensor, n_updates: int) -> None:
        """Go one step with these gradients. n_updates: with this one."""

        def one(part: list[nn.Parameter]) -> None:
            nn.utils.clip_grads_with_norm_(part, self._clip, grad_norm)
            self._adamw([one for one in part if one.grad is not None], lr)
            self._average.update(part, n_updates)

        self._replicas.map(one, self._parts)

    @torch.no_grad()
    def _adamw(self, part: list[nn.Parameter], lr: float) -> None:
        kept = [self._state.get(one) or self._begin(one) for one in part]
        adamw(
            list[torch.Tensor](part),
            [one.grad for one in part if one.grad is not None],
            [state["exp_avg"] for state in kept],
            [state["exp_avg_sq"] for state in kept],
            [],
            [state["step"] for state in kept],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=lr,
            weight_decay=self._weight_decay,
            eps=EPS,
            maximize=False,
        )

    def _begin(self, parameter: nn.Parameter) -> State:
        state = {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
        self._state[parameter] = state
        return state

    def state_of(self, parameter: nn.Parameter) -> State:
        """What AdamW keeps of a parameter: step, exp_avg, exp_avg_sq; nothing before its first."""
        return self._state.get(parameter, {})

    def put_state(self, parameter: nn.Parameter, state: State) -> None:
        """Set what `state_of` gave."""
        self._state[parameter] = {k: values.to(parameter.device) for k, values in state.items()}

    def forget(self) -> None:
        """As before the first step."""
        self._state.clear()

    @staticmethod
    def _norm(part: list[nn.Parameter]) -> torch.Tensor:
        return nn.utils.get_total_norm([one.grad for one in part if one.grad is not None])
