from pathlib import Path

import pytest
import yaml

from redwood.configuration import schema, validate
from redwood.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["config", "learned", "lcg2005", "paper", "test"])
def test_every_shipped_configuration_is_valid_on_top_of_the_default(name):
    def merge(below, above):
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return below | {key: merge(below.get(key), value) for key, value in above.items()}

    content = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    above = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    assert validate(merge(content, above)).dataset == {**content, **above}["dataset"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"sed": 1}, r"sed: unknown key \(value 1\); allowed: dataset, seed, seeds, records"),
        (
            {"records": {"split": {"test": 0.2}}},
            r"records.split.test: unknown key \(value 0.2\); allowed: method, train",
        ),
        ({"records": {"source": {"generate": {"days": 0}}}}, r"generate.days is 0: .*greater than"),
        ({"records": {"split": {"train": 0.9}}}, "must leave a share for the test rows"),
        (
            {"surrogates": {"models": ["gan"]}},
            r"models is \['gan'\]: .*'gan' is unknown; there are",
        ),
        ({"surrogates": {"options": {"tvae": {"epoch": 3}}}}, r"options.tvae.epoch.*unknown key"),
        (
            {"surrogates": {"variants": {"big": {"model": "tvae", "options": {"epoch": 3}}}}},
            r"variants.big.options.epoch.*unknown key",
        ),
        ({"surrogates": {"variants": {"big": {"model": "gan"}}}}, "variants.big.*no 'gan'"),
        ({"surrogates": {"variants": {"smote": {"model": "tvae"}}}}, "'smote' is taken"),
        ({"surrogates": {"variants": {"recorded": {"model": "tvae"}}}}, "'recorded' is taken"),
        ({"surrogates": {"variants": {"My": {"model": "tvae"}}}}, "'My' is not a valid name"),
        ({"evaluation": {"target": "cputime"}}, "target is 'cputime', expected one of"),
        ({"records": {"source": {"generate": {}, "files": ["x"]}}}, "give one of `generate`"),
        ({"dataset": "My Data"}, "dataset is 'My Data': .*pattern"),
        (
            {"simulation": {"policies": ["fair_share", "fair_share"]}},
            "'fair_share' is listed twice",
        ),
        ({"simulation": {"policies": ["best"]}}, "policy 'best' is unknown; there are brokerage:"),
        (
            {"simulation": {"policies": ["random+least_loaded"]}},
            "'random\\+least_loaded' names two policies for brokerage",
        ),
        (
            {"simulation": {"policies": [{"name": "mine", "placement": "fifo"}]}},
            "'fifo' is unknown; there are cache, none",
        ),
        (
            {"simulation": {"policies": [{"brokerage": "python:mine"}]}},
            "brokerage 'python:mine' was a Python object: give it again, or put it into a file",
        ),
        ({"simulation": {"policies": [{"name": "a/b"}]}}, "'a/b' cannot name a folder"),
        ({"simulation": {"transfers_per_link": 3}}, "need network: fluid; with SimGrid"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(content, message):
    with pytest.raises(InputError, match=message):
        validate(content)


def test_the_schema_file_is_generated_from_the_model():
    assert (ROOT / "workflow/schemas/config.schema.json").read_text() == schema()


def test_the_gate_decides_on_the_models_that_are_listed_or_that_say_so_themselves():
    def released(surrogates, **release):
        content = {"surrogates": {"models": surrogates}, "release": release}
        return validate(content).released_models

    assert released(["smote", "sequoia", "tvae"]) == ("sequoia",)
    assert released(["copy", "smote"]) == ()
    assert released(["smote", "sequoia"], models=["smote"]) == ("smote",)
    assert released(["smote", "sequoia"], models=[]) == ()
    with pytest.raises(InputError, match=r"'tvae', expected some of surrogates\.models: smote"):
        released(["smote"], models=["tvae"])
    with pytest.raises(InputError, match="'task' is listed twice"):
        released(["smote"], levels=["task", "task"])


def test_a_model_has_one_shadow_model_or_as_many_as_are_asked_for():
    # A model that is not trained may be named: one configuration stands on another.
    content = {"surrogates": {"models": ["smote"]}, "release": {"shadow_models": {"grove": 3}}}
    configuration = validate(content)
    assert configuration.shadow_models("smote") == [1]
    assert configuration.shadow_models("grove") == [1, 2, 3]
    with pytest.raises(InputError, match=r"release\.shadow_models has 'birch', expected some of"):
        validate({"release": {"shadow_models": {"birch": 2}}})
    with pytest.raises(InputError, match="greater than or equal to 1"):
        validate({"release": {"shadow_models": {"smote": 0}}})


def test_a_variant_is_a_model_under_another_name():
    surrogates = validate(
        {
            "surrogates": {
                "models": ["sdv", "sdv_ctgan", "shuffled"],
                "options": {"sdv": {"arguments": {"default_distribution": "norm"}}},
                "variants": {
                    "sdv_ctgan": {"model": "sdv", "options": {"synthesizer": "CTGAN"}},
                    "shuffled": {"model": "copy"},
                },
            }
        }
    ).surrogates
    assert [surrogates.plugin_of(name) for name in surrogates.models] == ["sdv", "sdv", "copy"]
    plain, variant, _ = (surrogates.options_of(name) for name in surrogates.models)
    assert (plain.synthesizer, plain.epochs) == ("GaussianCopula", None)
    assert (variant.synthesizer, variant.epochs, variant.arguments) == ("CTGAN", 300, {})


def test_policies_are_named_by_their_parts_or_by_their_files():
    content = {"simulation": {"policies": [
        "data_locality+cache", "fair_share", {"name": "mine", "brokerage": "my/policy.py:Best"},
        {"brokerage": "my/policy.py", "queue": "fair_share"},
    ]}}  # fmt: skip
    simulation = validate(content).simulation
    assert simulation.labels == [
        "data_locality+cache", "fair_share", "mine", "policy+fair_share",
    ]  # fmt: skip
    both = simulation.policy("data_locality+cache")
    assert (both.brokerage, both.placement, both.queue) == ("data_locality", "cache", "fifo")
    assert simulation.policy("fair_share").brokerage == "least_loaded"
    mine = simulation.policy("mine")
    assert mine.files == ["my/policy.py"]
    assert mine.modules == [
        "redwood.simulation.policies.placement.none", "redwood.simulation.policies.queueing.fifo",
    ]  # fmt: skip
