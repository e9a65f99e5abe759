"""An update over several cores is that of one core, to the bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from loopyard.training.average import Average
from loopyard.training.parallel import Replicas, evenly
from loopyard.training.update import Update

LR, DECAY, CLIP = 1e-2, 0.1, 0.5


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(7, 33), nn.GELU(), nn.Linear(33, 5), nn.LayerNorm(5))


def test_parts_are_even_and_whole():
    sizes = [5, 1000, 3, 400, 610, 2]
    parts = evenly(sizes, 2)
    assert sorted(place for part in parts for place in part) == list(range(6))
    assert [sum(sizes[place] for place in part) for part in parts] == [1010, 1010]


@pytest.mark.parametrize("cores", [1, 2, 3, 9])
def test_it_is_adamw_clipped_and_averaged_whatever_the_cores(cores):
    by_hand, model = network(), network()
    followed = copy.deepcopy(by_hand)
    adamw = torch.optim.AdamW(by_hand.parameters(), lr=LR, weight_decay=DECAY, fused=True)
    replicas, average = Replicas(model, cores), Average(model, 0.5)
    update = Update(replicas, average, weight_decay=DECAY, clip=CLIP)
    inputs = torch.randn(4, 6, 7, generator=torch.Generator().manual_seed(1))
    for step, x in enumerate(inputs, 1):
        by_hand.zero_grad()
        by_hand(x).square().sum().backward()
        replicas.zero_grad()
        model(x).square().sum().backward()
        whole = nn.utils.get_total_norm(
            [p.grad for p in by_hand.parameters() if p.grad is not None]
        )
        norm = update.grad_norm()
        assert norm.item() == pytest.approx(whole.item(), rel=1e-6)
        assert whole > CLIP
        nn.utils.clip_grads_with_norm_(by_hand.parameters(), CLIP, norm)
        adamw.step()
        update.take(LR, norm, step)
        weight = 1 - min(0.5, (1 + step) / (10 + step))
        with torch.no_grad():
            for own, other in zip(followed.parameters(), by_hand.parameters(), strict=True):
                own.lerp_(other, weight)
    for mine, other in ((model, by_hand), (average.model, followed)):
        for one, two in zip(mine.parameters(), other.parameters(), strict=True):
            assert torch.equal(one, two)
    for one, two in zip(model.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(update.state_of(one)["exp_avg_sq"], adamw.state[two]["exp_avg_sq"])
    update.forget()
    assert not any(update.state_of(one) for one in model.parameters())
    replicas.close()
