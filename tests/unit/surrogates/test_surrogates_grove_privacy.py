"""Grove's differential privacy: whole units are clipped as one, noise is as told, spent once."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_surrogates_grove import QUICK, UNITS, make_units  # noqa: E402

from redwood.errors import InputError  # noqa: E402
from redwood.surrogates.accounting import epsilon_spent  # noqa: E402
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate  # noqa: E402
from redwood.surrogates.models.grove.lessons import (  # noqa: E402
    fitted_scheme,
    lessons_of,
    prepared,
)
from redwood.surrogates.models.grove.level import Remembered  # noqa: E402
from redwood.surrogates.models.grove.population import Networks  # noqa: E402
from redwood.surrogates.models.grove.private import (  # noqa: E402
    Density,
    Drawn,
    Guarantee,
    Units,
    clipped_sum,
    noisy,
)
from redwood.tables import TableDescription  # noqa: E402

CPU = torch.device("cpu")
TRAIN = make_units(60, seed=1)


def private(privacy: dict, description: TableDescription = UNITS, **options):
    options = {**QUICK, "privacy": {"epsilon": 8, "unit": "task", "steps": 2, **privacy}, **options}
    return new_surrogate("grove", description, options, 1)


@pytest.fixture(scope="module")
def taught():
    """Networks, lessons and calendar of a table with users and tasks."""
    surrogate = private({})
    random, learned = np.random.default_rng(0), UNITS.only_features()
    rows, ownership, _ = prepared(TRAIN, learned, ("user", "task"), 3, random)
    scheme = fitted_scheme(rows, learned, ownership.owner, surrogate.options)
    population, lessons = lessons_of(rows, ownership, scheme, surrogate.options, random)
    torch.manual_seed(1)
    networks = Networks(scheme, True, 16, 0.0).eval()
    for network in (networks.rows, networks.groups):
        network.by_torch = True
    return networks, {lesson.name: lesson for lesson in lessons}, population.calendar


class Alike:
    """Random numbers that are the same for an item whichever others there are."""

    def random(self, number: int) -> np.ndarray:
        return np.zeros(number)


def drawn_all(taught, name: str, by_group: bool, share: float = 1.0, without: int | None = None):
    """A draw of a lesson's units, of all but one; and the network's density."""
    networks, lessons, calendar = taught
    units = Units(lessons[name], by_group, 10**6)
    if without is not None:
        lesson = lessons[name]
        unit = lesson.group if by_group else lesson.owner
        left = np.array(lesson.allowed) & (unit != without)
        units = Units(type(lesson)(**{**lesson.__dict__, "allowed": left}), by_group, 10**6)
    network = getattr(networks, name)
    known = None
    if name != "row_times":
        known = Remembered.of(lessons[name].level, network.marks, calendar)
    random = np.random.default_rng(5) if share < 1 else Alike()
    return units, Density(network), units.draw(network, known, share, calendar, random, CPU)


def vector(parts) -> torch.Tensor:
    return torch.cat([part.flatten() for part in parts.values()])


class Line(torch.nn.Module):
    """ln p = w · x: the gradient of −ln p is −x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


def test_the_gradients_of_a_unit_are_summed_and_then_clipped():
    x = torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.3, 0.4], [100.0, 0.0]])
    place, known = torch.tensor([[0, 1], [2, 0]]), torch.tensor([[True, True], [True, False]])
    drawn = Drawn((x,), place, known)
    # (3, 4) has norm 5 and becomes (.6, .8); (.3, .4) stays; the last row is nobody's.
    found = clipped_sum(Line(), drawn, 1.0)["weight"]
    torch.testing.assert_close(found, -torch.tensor([0.9, 1.2]))
    found = clipped_sum(Line(), drawn, 100.0)["weight"]
    torch.testing.assert_close(found, -torch.tensor([3.3, 4.4]))


def test_a_gradient_that_is_no_number_says_nothing():
    x = torch.tensor([[float("nan"), 1.0], [0.3, 0.4]])
    drawn = Drawn((x,), torch.tensor([[0], [1]]), torch.ones(2, 1, dtype=torch.bool))
    found = clipped_sum(Line(), drawn, 1.0)["weight"]
    torch.testing.assert_close(found, -torch.tensor([0.3, 0.4]))


def test_the_noise_has_its_deviation_whether_a_unit_was_drawn_or_not():
    parameters = {"a": torch.zeros(300, 100), "b": torch.zeros(50)}
    source = torch.Generator().manual_seed(1)
    alone = noisy({}, parameters, 3.0, source)
    assert alone["a"].std().item() == pytest.approx(3.0, rel=0.02)
    source = torch.Generator().manual_seed(1)
    both = noisy({"a": torch.ones(300, 100), "b": torch.ones(50)}, parameters, 3.0, source)
    torch.testing.assert_close(both["a"] - alone["a"], torch.ones(300, 100))


@pytest.mark.parametrize("name", ["rows", "row_times", "groups"])
def test_without_clipping_the_sum_is_the_gradient_of_all_items(taught, name):
    """Of the same density with gradients in closed form."""
    _, density, drawn = drawn_all(taught, name, by_group=name != "groups", share=0.2)
    found = clipped_sum(density, drawn, 1e9)
    density.network.by_torch = False
    items = torch.unique(drawn.place[drawn.known])
    logs = density(*(part[items] for part in drawn.seen))
    expected = torch.autograd.grad(-logs.sum(), list(density.parameters()), allow_unused=True)
    density.network.by_torch = True
    for ours, theirs in zip(found.values(), expected, strict=True):
        theirs = torch.zeros_like(ours) if theirs is None else theirs
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "by_group"),
    [("rows", True), ("rows", False), ("row_times", True), ("groups", False), ("groups", True)],
)
def test_no_unit_changes_a_sum_by_more_than_the_noise_accounts_for(taught, name, by_group):
    clip = 0.5
    for without in (0, 3):
        units, density, every = drawn_all(taught, name, by_group)
        _, _, others = drawn_all(taught, name, by_group, without=without)
        change = vector(clipped_sum(density, every, clip)) - vector(
            clipped_sum(density, others, clip)
        )
        assert change.norm() <= units.changes * clip * (1 + 1e-4)
        assert units.changes == (2 if name == "groups" and by_group else 1)


def test_units_are_drawn_with_their_probability(taught):
    sizes = []
    networks, lessons, calendar = taught
    units = Units(lessons["groups"], True, 10**6)
    known = Remembered.of(lessons["groups"].level, networks.groups.marks, calendar)
    for seed in range(40):
        random = np.random.default_rng(seed)
        drawn = units.draw(networks.groups, known, 0.25, calendar, random, CPU)
        sizes.append(int(drawn.known.sum()))
    number = len(lessons["groups"].group)
    spread = np.sqrt(number * 0.25 * 0.75)
    assert np.mean(sizes) == pytest.approx(number / 4, abs=4 * spread / np.sqrt(40))
    assert np.std(sizes) == pytest.approx(spread, rel=0.5), "each on its own"


@pytest.mark.parametrize(
    ("noise", "steps", "epsilon"),
    [
        (0.7835071585054514, 30, 7.986132845),
        (1.0, 600, 20.006094200196383),
        (2.0, 300, 4.564284140245151),
    ],
)
def test_the_accountant_says_what_that_of_opacus_does(noise, steps, epsilon):
    """Values of opacus 1.6.0, `compute_rdp` and `get_privacy_spent`, q = 0.1, δ = 1e-5."""
    assert epsilon_spent(0.1, noise, steps, 1e-5) == pytest.approx(epsilon, rel=1e-6)


def test_all_networks_together_spend_at_most_what_is_asked_for():
    options = private({"epsilon": 2, "steps": 50}).options.privacy
    found = Guarantee.of(options, ("user", "task"), 2000, 3, "grove")
    assert found.steps == 150
    assert 1.9 < found.epsilon <= 2
    assert found.epsilon == epsilon_spent(0.1, found.noise, 150, 1e-5)
    assert Guarantee.from_json(found.to_json()) == found


def test_same_seed_same_model_and_the_folder_says_what_is_guaranteed(tmp_path):
    one, two = private({}), private({})
    summary = one.fit(TRAIN, TRAIN)
    two.fit(TRAIN, TRAIN[:50])
    assert summary["privacy"]["unit"] == "task"
    assert one.losses is None, "nothing looks at a loss"
    assert not one.options.has_losses, "nor does a figure"
    save_surrogate(one, tmp_path, len(TRAIN))
    loaded = load_surrogate(tmp_path)
    # Validation rows have no say.
    assert loaded.sample(200, 3).equals(two.sample(200, 3))
    for said in ("-differentially private for one task", "Not covered", "training seed"):
        assert said in loaded.privacy
    assert "No guarantee" not in loaded.privacy


def test_a_training_cut_off_goes_on_with_the_same_noise(tmp_path):
    class Cut(Exception):
        pass

    file, several = tmp_path / "state.safetensors", {"steps": 7}
    whole = private(several, checkpoint_epochs=1)
    whole.fit(TRAIN, TRAIN)
    cut = private(several, checkpoint_epochs=1)
    original, made = cut.noise, []

    def noise(device, *purpose):
        made.append(purpose)
        if purpose == ("rows", "noise", 6):
            raise Cut
        return original(device, *purpose)

    cut.noise = noise
    with pytest.raises(Cut):
        cut.fit(TRAIN, TRAIN, file)
    resumed = private(several, checkpoint_epochs=1)
    resumed.noise, again = noise_recorder(resumed.noise)
    resumed.fit(TRAIN, TRAIN, file)
    # Of the network that was cut off, from its last checkpoint; of those before it, nothing.
    assert again == [("rows", "noise", step) for step in range(5, 7)]
    for ours, theirs in zip(resumed.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not list(tmp_path.iterdir())


def noise_recorder(original):
    made = []

    def noise(device, *purpose):
        made.append(purpose)
        return original(device, *purpose)

    return noise, made


@pytest.mark.parametrize(
    ("privacy", "said"),
    [
        ({"epsilon": 0}, "options.privacy.epsilon is 0"),
        ({"epsilon": -1}, "options.privacy.epsilon is -1"),
        ({"unit": None}, "options.privacy.unit"),
        ({"unit": "site"}, "privacy.unit is 'site': expected a column .* user or task"),
        ({"delta": 0.1}, "privacy.delta is 0.1, but the training rows are of .* values of task"),
        ({"epsilon": 0.05, "unit": "user"}, "privacy.epsilon is 0.05, which takes noise of"),
    ],
)
def test_what_cannot_be_guaranteed_is_refused(privacy, said):
    with pytest.raises(InputError, match=said):
        private(privacy).fit(TRAIN, TRAIN)


def test_a_table_without_units_has_nothing_to_protect_whole():
    with pytest.raises(InputError, match="it has none"):
        private({}, UNITS.only_features()).fit(TRAIN[["time", "site", "kind", "work"]], TRAIN)
