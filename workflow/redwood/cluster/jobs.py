"""The jobs of a run as far as their cost goes, and which of them wait for which."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redwood import plugins
from redwood.cluster.rules import RULES
from redwood.cluster.sizes import Sizes
from redwood.configuration import Configuration
from redwood.records.privacy import ENVIRONMENT_VARIABLE as HASH_KEY_VARIABLE
from redwood.records.raw_dumps import files_there


@dataclass(frozen=True)
class Model:
    """What the cost of a model depends on: passes over its rows, GPU or not, densities or not."""

    epochs: int
    uses_gpu: bool
    density: bool


def models_of(configuration: Configuration) -> dict[str, Model]:
    """The models of a run, by name."""
    found = {}
    for name in configuration.surrogates.models:
        plugin = plugins.load("redwood.surrogates.models", name)
        options = plugin.Options(**configuration.surrogates.options.get(name, {}))
        found[name] = Model(getattr(options, "epochs", 1), plugin.USES_GPU, plugin.HAS_DENSITY)
    return found


# The workload that no model made.
RECORDED = "recorded"


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        rule: the rule.
        model: the model that it trains, samples or judges, or whose sample it simulates, where
            "recorded" stands for the recorded jobs; empty if of none or of all.
        policy: the policy that it simulates; else empty.
        rows: what its time and memory grow with.
        times: epochs or seeds, what its time grows with besides; else 1.
        gpu: whether it can use a GPU.
    """

    rule: str
    model: str
    policy: str
    rows: int
    times: int
    gpu: bool

    @property
    def variant(self) -> str:
        """The model or the policy, where each has a cost of its own; else empty."""
        return (self.policy or self.model) if RULES[self.rule].variants else ""


def job(
    rule: str,
    configuration: Configuration,
    sizes: Sizes,
    models: Mapping[str, Model],
    *,
    model: str = "",
    policy: str = "",
) -> Job:
    """The job of `rule` for a model, a policy, both, or nothing in particular."""
    entry = RULES[rule]
    described = models.get(model)
    times = {
        "": 1,
        "epochs": described.epochs if described else 1,
        "seeds": configuration.simulation.seeds,
    }[entry.repeats]
    rows = sizes.test if model == RECORDED else getattr(sizes, entry.scale)
    gpu = entry.gpu and described is not None and described.uses_gpu
    return Job(rule, model, policy, rows, times, gpu)


def jobs_of(
    rule: str, configuration: Configuration, sizes: Sizes, models: Mapping[str, Model]
) -> list[Job]:
    """All jobs of a rule in a run from nothing."""
    if not _is_asked_for(rule, configuration, models):
        return []
    scored = configuration.evaluation.needs_densities
    trainings = configuration.surrogates.seeds
    chosen: Sequence[Mapping[str, str]] = {
        "once": [{}],
        "dump": [{}] * sizes.dumps,
        "model": [{"model": name} for name in models] * trainings,
        "density": [{"model": name} for name, one in models.items() if one.density and scored]
        * trainings,
        "released": [{"model": name} for name in configuration.released_models],
        "run": [
            {"model": workload, "policy": policy}
            for workload in (RECORDED, *models)
            for policy in configuration.simulation.labels
        ],
    }[RULES[rule].per]
    return [job(rule, configuration, sizes, models, **names) for names in chosen]


def waits_for(later: Job, earlier: Job) -> bool:
    """Whether a job needs what another one makes: its own model's, or what is of all models."""
    if earlier.rule not in RULES[later.rule].after:
        return False
    return not (later.model and earlier.model) or later.model == earlier.model


def _is_asked_for(rule: str, configuration: Configuration, models: Mapping[str, Model]) -> bool:
    source, measures = configuration.records.source, configuration.evaluation.measures
    return {
        "generator_make": source.generate is not None,
        "generator_calibrate": source.generate is not None,
        "records_download": source.bigpanda is not None,
        "records_retrieve": source.retrieve is not None and not files_there(source),
        "records_hash_key": source.generate is None
        and not configuration.records.cleaning.pseudonymous
        and HASH_KEY_VARIABLE not in os.environ,
        "release_plant": bool(configuration.released_models),
        "figure_attacks": any(name.startswith("attack_") for name in measures),
        "figure_training": any(model.uses_gpu for model in models.values()),
    }.get(rule, True)
