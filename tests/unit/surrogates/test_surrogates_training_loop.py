"""The training loop: early stopping, resuming, restoring the best weights."""

import itertools

import pytest

from redwood.errors import InputError
from redwood.surrogates.training_loop import (
    Checkpoint,
    Schedule,
    choose_device,
    fingerprint,
    sensible_threads,
    train_epochs,
    without_subnormals,
)

torch = pytest.importorskip("torch")


class Quadratic:
    """Fits one weight to a target with Adam, adding noise from a seed of each epoch."""

    def __init__(self) -> None:
        self.module = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.module.weight)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=0.1)
        self.epochs: list[int] = []

    def train_epoch(self, epoch: int) -> float:
        self.epochs.append(epoch)
        noise = torch.randn((), generator=torch.Generator().manual_seed(epoch))
        loss = (self.module.weight - 3 - noise / 10).square().sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def validate(self) -> float:
        return float((self.module.weight.item() - 1) ** 2)

    def run(self, schedule: Schedule, checkpoint: Checkpoint | None = None, validate=None):
        return train_epochs(
            "quadratic",
            self.module,
            self.optimizer,
            self.train_epoch,
            validate or self.validate,
            schedule,
            checkpoint,
        )


def test_training_stops_after_the_patience_and_restores_the_best_weights():
    model = Quadratic()
    losses = model.run(Schedule(epochs=200, patience=7, checkpoint_epochs=10))
    best = losses["validation"].idxmin()
    assert len(losses) == best + 1 + 7 < 200
    assert model.validate() == pytest.approx(losses["validation"][best])
    assert losses["epoch"].tolist() == list(range(1, len(losses) + 1))


def test_another_trainings_checkpoint_is_not_used(tmp_path):
    schedule = Schedule(epochs=4, patience=9, checkpoint_epochs=2)
    Quadratic().run(schedule, Checkpoint(tmp_path / "state", "one"))
    other = Quadratic()
    other.run(schedule, Checkpoint(tmp_path / "state", "two"))
    assert other.epochs == [0, 1, 2, 3]


def _flip(content: bytes) -> bytes:
    return content[:-3] + bytes([content[-3] ^ 4]) + content[-2:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not safetensors",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        _flip,
    ],
    ids=["emptied", "other", "halved", "shortened", "flipped"],
)
def test_training_starts_over_from_a_damaged_checkpoint_and_says_so(tmp_path, capsys, damage):
    schedule = Schedule(epochs=4, patience=9, checkpoint_epochs=2)
    checkpoint = Checkpoint(tmp_path / "state", "one")
    whole = Quadratic()
    losses = whole.run(schedule, checkpoint)
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    again = Quadratic()
    assert again.run(schedule, checkpoint).equals(losses)
    assert again.epochs == [0, 1, 2, 3]
    assert torch.equal(again.module.weight, whole.module.weight)
    said = capsys.readouterr().err
    assert f"{checkpoint.path}: damaged checkpoint (" in said
    assert "): training starts over\n" in said


def test_a_loss_that_is_no_number_ends_the_training():
    values = itertools.chain([1.0], itertools.repeat(float("nan")))
    with pytest.raises(InputError, match=r"epoch 2 is .* lower the learning rate"):
        Quadratic().run(Schedule(5, 5, 5), validate=lambda: next(values))


def test_fingerprints_tell_rows_and_settings_apart(train, validation):
    one = fingerprint(train, validation, seed=1)
    assert one == fingerprint(train.copy(), validation, seed=1)
    changed = train.assign(nfiles=train["nfiles"] + 1)
    others = [
        fingerprint(changed, validation, seed=1),
        fingerprint(validation, train, seed=1),
        fingerprint(train, validation, seed=2),
    ]
    assert one not in others


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(InputError, match="no CUDA GPU"):
        choose_device("cuda")


def test_threads_follow_the_environment_and_are_restored(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with sensible_threads():
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_subnormal_numbers_count_as_none_and_only_there():
    least = torch.tensor([1e-39])
    with without_subnormals():
        assert (least * 0.5).item() == 0
    assert (least * 0.5).item() > 0
