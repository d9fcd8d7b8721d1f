import pytest

from redwood import plugins
from redwood.errors import InputError
from redwood.seeds import derive_seed, generator

PACKAGES = (
    "surrogates.models", "evaluation.measures", "simulation.policies.brokerage",
    "simulation.policies.placement", "simulation.policies.queueing",
)  # fmt: skip


def test_seeds_depend_on_the_seed_and_on_the_purpose():
    assert derive_seed(1, "split") == derive_seed(1, "split")
    seeds = {derive_seed(1, "split"), derive_seed(2, "split"), derive_seed(1, "train", "smote")}
    assert len(seeds) == 3
    assert generator(1, "x").integers(1 << 30) == generator(1, "x").integers(1 << 30)


def test_every_plug_in_loads_and_an_unknown_one_is_answered_with_those_there_are():
    for package in PACKAGES:
        names = plugins.names(f"redwood.{package}")
        assert names
        for name in names:
            assert name in plugins.load(f"redwood.{package}", name).__name__.split(".")
    with pytest.raises(InputError, match=r"there is no 'gan'; there are .*smote"):
        plugins.load("redwood.surrogates.models", "gan")


def test_a_constant_is_read_without_importing_the_plug_in():
    def said(name):
        return plugins.constant("redwood.evaluation.measures", name, "NEEDS_DENSITIES", False)

    assert said("attack_likelihood") is True
    assert said("wd") is False
    with pytest.raises(InputError, match="there is no 'gan'"):
        said("gan")
