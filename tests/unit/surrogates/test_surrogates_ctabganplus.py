"""CTAB-GAN+: its losses, its conditions, its privacy; repeatable, and it learns."""

import numpy as np
import pandas as pd
import pytest
from test_surrogates_models import QUICK, train_in

from redwood.errors import InputError
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate
from redwood.tables import Column, TableDescription

torch = pytest.importorskip("torch")

from redwood.surrogates.models.ctabganplus.losses import (  # noqa: E402
    Target,
    condition_loss,
    critic_loss,
    information_loss,
)
from redwood.surrogates.models.ctabganplus.networks import (  # noqa: E402
    Critic,
    Generator,
    activate,
    image_side,
)

TINY = QUICK["ctabganplus"]


def tiny(description: TableDescription, seed: int = 1, **options):
    return new_surrogate("ctabganplus", description, {**TINY, **options}, seed)


def weights(surrogate) -> torch.Tensor:
    return torch.cat([x.flatten() for x in surrogate.network.state_dict().values()])


def pair(rows: int) -> tuple[TableDescription, pd.DataFrame]:
    """A number whose sign a category tells, which is exactly 0 in a fifth of the rows."""
    rng = np.random.default_rng(0)
    side = np.array(["left", "right"], dtype=object)[(rng.random(rows) < 0.3).astype(int)]
    x = np.where(side == "left", -5, 5) + rng.normal(size=rows)
    x[rng.random(rows) < 0.2] = 0
    description = TableDescription("t", (Column("x", "numeric"), Column("side", "categorical")))
    return description, pd.DataFrame({"x": x, "side": side})


@pytest.mark.parametrize(
    ("width", "expected"),
    [(1, (6, 1)), (37, (8, 1)), (65, (12, 2)), (256, (16, 2)), (577, (32, 3))],
)
def test_images_are_as_small_as_they_can_be(width, expected):
    assert image_side(width) == expected
    generator, critic = Generator(3, 2, width, 4), Critic(width, 4)
    row = generator(torch.rand(5, 3), torch.rand(5, 2))
    assert row.shape == (5, width)
    assert critic(row, torch.rand(5, min(width, 2))).shape == (5,)


def test_generated_rows_depend_on_no_other_row():
    torch.manual_seed(0)
    generator = Generator(3, 2, 20, 4)
    noise, condition = torch.rand(6, 3), torch.rand(6, 2)
    together = generator(noise, condition)
    assert torch.allclose(together[2:3], generator(noise[2:3], condition[2:3]), atol=1e-5)


def test_activations_are_places_and_shares():
    logits = torch.randn(4000, 6, generator=torch.Generator().manual_seed(0)) * 0
    logits[:, 3] = 2.0
    row = activate(logits, 1, (2, 3), torch.Generator().manual_seed(1))
    assert (row[:, 0] == 0).all()
    assert torch.allclose(row[:, 1:3].sum(dim=1), torch.ones(4000))
    assert torch.allclose(row[:, 3:].sum(dim=1), torch.ones(4000))
    share = (row[:, 3:].argmax(dim=1) == 0).float().mean().item()
    assert share == pytest.approx(np.exp(2) / (np.exp(2) + 2), abs=0.02)


def test_the_critics_loss_of_a_linear_critic_is_known():
    slope = torch.tensor([3.0, 4.0])
    real, fake = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.zeros(2, 2)
    loss = critic_loss(lambda row, _: row @ slope, real, fake, real, torch.rand(2, 1), 10.0)
    # The mean score of the real rows is 3.5, the gradient's norm 5.
    assert loss.item() == pytest.approx(0 - 3.5 + 10 * 16)


def test_the_information_loss_is_the_distance_of_means_and_deviations():
    real = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    assert information_loss(real, real).item() == pytest.approx(0, abs=1e-5)
    moved = real + torch.tensor([3.0, 4.0])
    assert information_loss(real, moved).item() == pytest.approx(5, abs=1e-5)
    assert information_loss(real, 3 * real).item() == pytest.approx(2 + 2, abs=1e-5)


def test_the_condition_loss_is_the_cross_entropy_of_the_block_asked_for():
    logits = torch.tensor([[0.0, 0.0, 9.0, 9.0, 9.0], [5.0, -5.0, 0.0, 0.0, 0.0]])
    loss = condition_loss(logits, (2, 3), torch.tensor([1, 4]))
    assert loss.item() == pytest.approx((np.log(2) + np.log(3)) / 2)


def test_the_target_is_what_the_row_says_and_hidden_from_its_predictor():
    seen = []

    def predictor(row):
        seen.append(row)
        return torch.zeros(len(row), 1)

    target = Target(0, (2, 4), torch.tensor([4.0, 0.0]), torch.tensor([1.0, -2.0]))
    row = torch.tensor([[0.5, 7.0, 1.0, 0.0], [0.5, 7.0, 0.0, 1.0]])
    # The numbers are 4 × 0.5 + 1 in the first mode and −2 at the point mass.
    assert target.loss(predictor, row).item() == pytest.approx((3 + 2) / 2)
    assert seen[0].tolist() == [[0, 7, 0, 0]] * 2


def test_any_number_of_threads_gives_the_same_model_and_rows(jobs, train, validation):
    results = []
    before = torch.get_num_threads()
    for threads in (1, 3):
        torch.set_num_threads(threads)
        surrogate = tiny(jobs, channels=16, batch_size=300)
        surrogate.fit(train, validation)
        results.append((weights(surrogate), surrogate.sample(20, seed=1)))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert torch.equal(results[0][0], results[1][0])
    assert results[0][1].equals(results[1][1])


def test_it_learns_and_its_conditions_hold():
    description, frame = pair(1200)
    options = {
        "epochs": 12,
        "batch_size": 50,
        "channels": 16,
        "noise": 8,
        "learning_rate": 3e-3,
        "components": 4,
        "averaging": 0.98,
    }
    surrogate = new_surrogate("ctabganplus", description, options, seed=1)
    summary = surrogate.fit(frame[:1000], frame[1000:].reset_index(drop=True))
    assert summary["point_masses"] == {"x": 1}
    assert summary["target"] == "side"
    sample = surrogate.sample(3000, seed=1)
    assert (sample["x"] == 0).mean() == pytest.approx(0.2, abs=0.06)
    assert (sample["side"] == "right").mean() == pytest.approx(0.3, abs=0.08)
    other = sample[sample["x"] != 0]
    assert ((other["x"] > 0) == (other["side"] == "right")).mean() > 0.9
    right = surrogate.sample(500, seed=1, given={"side": "right"})
    assert set(right["side"]) == {"right"}
    assert (right["x"] >= 0).mean() > 0.85


def test_conditions_are_exact_or_refused(jobs, train, validation, tmp_path):
    surrogate = tiny(jobs)
    surrogate.fit(train, validation)
    given = {"computingsite": "TRIUMF", "jobstatus": "failed", "project": "mc23"}
    sample = surrogate.sample(50, seed=1, given=given)
    assert len(sample) == 50
    for column, value in given.items():
        assert set(sample[column]) == {value}
    assert sample.equals(surrogate.sample(50, seed=1, given=given))
    save_surrogate(surrogate, tmp_path, len(train))
    assert load_surrogate(tmp_path).sample(50, seed=1, given=given).equals(sample)
    refused = {
        "nfiles": ("3", "nfiles is a number, expected a categorical column"),
        "computingsite": ("MOON", "no training row has it"),
        "project": ("mc16", "no training row has it"),
        "colour": ("red", "table 'jobs' has no column 'colour'"),
    }
    for column, (value, message) in refused.items():
        with pytest.raises(InputError, match=message):
            surrogate.sample(5, seed=1, given={column: value})
    as_numbers = tiny(jobs, most_categories=3)
    as_numbers.fit(train, validation)
    with pytest.raises(InputError, match="computingsite has 4 categories, expected at most"):
        as_numbers.sample(5, seed=1, given={"computingsite": "CERN"})


def test_conditions_that_no_row_meets_end_with_an_error(jobs, train, validation, monkeypatch):
    import redwood.surrogates.models.ctabganplus.surrogate as module

    surrogate = tiny(jobs)
    surrogate.fit(train, validation)
    monkeypatch.setattr(module, "_MOST_DRAWS", 2)
    monkeypatch.setattr(
        type(surrogate), "_generate", lambda *_: train.assign(computingsite="BNL")[:10]
    )
    with pytest.raises(InputError, match="computingsite=CERN: only 0 of 8192 generated rows meet"):
        surrogate.sample(5, seed=1, given={"computingsite": "CERN"})


def test_epsilon_trains_privately_and_the_card_says_what_it_covers(tables):
    summary = train_in(tables, "ctabganplus", "private", epsilon=5.0, delta=1e-3)
    privacy = summary["fit"]["privacy"]
    assert 4.5 < privacy["epsilon"] <= 5
    assert (privacy["delta"], privacy["steps"]) == (1e-3, 6)
    assert privacy["sampling_rate"] == pytest.approx(50 / 300)
    assert summary["fit"]["target"] is None
    card = (tables / "private" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in ("0.001)-differentially private", "Not covered", "training seed", "validation"):
        assert words in card
    assert "No guarantee" not in card


@pytest.mark.parametrize("epsilon", [None, 1e6])
def test_with_epsilon_only_clipped_gradients_carry_what_rows_say(epsilon):
    """With a clipping norm of next to nothing, the dependence of columns leaves no trace."""
    description = TableDescription("t", (Column("a", "categorical"), Column("b", "categorical")))
    same = pd.DataFrame({"a": ["x", "y"] * 50, "b": ["x", "y"] * 50})
    opposite = same.assign(b=same["a"].to_numpy()[::-1])
    results = []
    for frame in (same, opposite):
        surrogate = tiny(description, epsilon=epsilon, delta=0.1, clip=1e-30)
        surrogate.fit(frame, same)
        results.append(weights(surrogate))
    assert torch.equal(*results) == (epsilon is not None)


def test_a_target_is_checked(jobs, train, validation):
    with pytest.raises(InputError, match="target is 'project': constant"):
        tiny(jobs, target="project").fit(train, validation)
    with pytest.raises(InputError, match="has no column 'price'"):
        tiny(jobs, target="price").fit(train, validation)
    summary = tiny(jobs, target="jobstatus").fit(train, validation)
    assert summary["target"] == "jobstatus"
