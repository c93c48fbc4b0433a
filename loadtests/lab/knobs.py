"""Turning one knob of a configuration and leaving all others alone; pure functions."""

from loadtests.lab.diagnosis import KNOBS
from loadtests.lab.window import Config, Window

POOL, WORKERS = "pool", "workers"
LANES = {setting: lane for lane, setting in KNOBS.items()}
MOST_POOL, MOST_WORKERS = 64, 64


def doubled(config: Config, knob: str, window: Window) -> Config | None:
    """The configuration with twice as much of one thing; None if there is no such knob."""
    if knob == WORKERS:
        return _if_other(config, workers=min(MOST_WORKERS, 2 * config.workers))
    if knob == POOL:
        return _if_other(config, pool=min(MOST_POOL, 2 * config.pool))
    if knob in LANES:
        return _lane(config, knob, window)
    return None


def halved_pool(config: Config) -> Config | None:
    """The configuration with half the connections; None if it has but one."""
    return _if_other(config, pool=max(1, config.pool // 2))


def _if_other(config: Config, **changes: int) -> Config | None:
    changed = config.model_copy(update=changes)
    return None if changed == config else changed


def _lane(config: Config, knob: str, window: Window) -> Config | None:
    lanes = [worker.lanes.get(LANES[knob]) for worker in window.workers]
    size = max((lane.size for lane in lanes if lane is not None), default=0)
    if not size:
        return None
    variables = {**dict(config.variables), knob: str(2 * size)}
    return config.model_copy(update={"variables": tuple(sorted(variables.items()))})
