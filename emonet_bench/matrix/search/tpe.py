"""TPE, the tree-structured Parzen estimator (Bergstra et al. 2011), as Optuna has it: an extra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.search.samplers import STARTUP, Tried
from emonet_bench.matrix.search.space import Dimension, Space, rounded
from emonet_bench.runs.search import Point, Range

if TYPE_CHECKING:
    import optuna


def check_installed() -> None:
    """Hold Optuna to be installed.

    Raises:
        ConfigError: It is not.
    """
    try:
        import optuna  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(f"search.sampler: tpe needs Optuna ({error}); pip install optuna, or take random") from None


def tpe_points(seed: int, space: Space, tried: Sequence[Tried], count: int) -> list[Point]:
    """Propose points: the same for the same trials before, whoever asks.

    Args:
        seed: Of the study.
        space: Where.
        tried: All trials before.
        count: How many to propose.
    """
    import optuna  # noqa: PLC0415 - an extra

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = (seed + len(tried)) % 2**32  # another one for each generation
    sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, constant_liar=True, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for point, value in tried:
        study.add_trial(_ended(space, point, value))
    points = []
    for _ in range(count):
        trial = study.ask()
        points.append(space.point(lambda one, trial=trial: _suggested(trial, one)))  # type: ignore[misc]
    return points


def _suggested(trial: optuna.Trial, one: Dimension) -> Any:
    """Ask for a value of a dimension. What is listed is known to Optuna by its place: it takes no lists as values."""
    if not isinstance(one.values, Range):
        return one.values[trial.suggest_categorical(one.key, range(len(one.values)))]
    low, high, log = one.values.low, one.values.high, one.values.log
    if one.whole:
        return trial.suggest_int(one.key, int(low), int(high), log=log)
    return rounded(trial.suggest_float(one.key, float(low), float(high), log=log), one.values)


def _ended(space: Space, point: Point, value: float | None) -> optuna.trial.FrozenTrial:
    """Describe a trial as Optuna does."""
    import optuna  # noqa: PLC0415 - an extra

    places: dict[str, Any] = {}
    distributions: dict[str, optuna.distributions.BaseDistribution] = {}

    def told(one: Dimension) -> Any:
        value = point[one.key]
        places[one.key] = value if isinstance(one.values, Range) else one.values.index(value)
        distributions[one.key] = _distribution(one)
        return value

    space.point(told)
    state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
    return optuna.trial.create_trial(params=places, distributions=distributions, value=value, state=state)


def _distribution(one: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna import distributions  # noqa: PLC0415 - an extra

    if not isinstance(one.values, Range):
        return distributions.CategoricalDistribution(range(len(one.values)))
    low, high, log = one.values.low, one.values.high, one.values.log
    if one.whole:
        return distributions.IntDistribution(int(low), int(high), log=log)
    return distributions.FloatDistribution(float(low), float(high), log=log)
