"""Can this campaign run here? Asked before a folder is made or a minute spent."""

from __future__ import annotations

from loopyard.cycle.accounts.cost import rate_of
from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.rules import open_rules
from loopyard.cycle.modes import CampaignModes
from loopyard.evaluation.worker import make_scenario_world
from loopyard.experts.registry import make_expert
from loopyard.training.config import TrainConfig
from loopyard.training.loss import channel_weights
from loopyard.training.setup import policy_config
from loopyard.worlds.world import spec_of


def require_runnable(campaign: Campaign) -> None:
    """Make the world, its expert, its scenes and the network's sizes once, and drop them.

    A mistake in any of them would otherwise be found in a run folder that the mended campaign then
    cannot have.

    Raises:
        ConfigError, WorldError: naming the setting.
    """
    rate_of(campaign.machine, campaign.machine_price, campaign.prices)
    world = make_scenario_world(campaign.scenario)
    try:
        spec = spec_of(world, campaign.world, campaign.preset)
        make_expert(world, campaign.expert)
    finally:
        world.close()
    CampaignModes(campaign).judging_scenes(1, "gate")
    settings = {**campaign.train, "minutes": 1.0, "n_action_steps": campaign.n_action_steps}
    config = TrainConfig.model_validate(settings)
    policy_config(config, spec)
    channel_weights(spec.action.names, config.channel_weights)
    open_rules(campaign.lessons.rules)
