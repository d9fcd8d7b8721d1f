"""Where models compute, and that bfloat16, as on GPUs, hardly changes what they learn from."""

import pytest

from redwood.surrogates.layout import Layout, Rows
from redwood.surrogates.training_loop import choose_device

torch = pytest.importorskip("torch")


@pytest.fixture
def bfloat16(monkeypatch):
    """Let the CPU compute as a GPU would: in mixed precision."""

    def use() -> None:
        for module in ("tvae.surrogate", "tabddpm.process"):
            monkeypatch.setattr(
                f"redwood.surrogates.models.{module}.mixed_precision",
                lambda device: torch.autocast("cpu", torch.bfloat16),
            )

    return use


def rows_of(sizes: tuple[int, ...], n: int = 200) -> Rows:
    generator = torch.Generator().manual_seed(0)
    codes = [torch.randint(size, (n, 1), generator=generator) for size in sizes]
    return Rows(torch.rand(n, 2, generator=generator) * 2 - 1, torch.cat(codes, dim=1))


def gradients(module, loss) -> "torch.Tensor":
    found = torch.autograd.grad(loss, list(module.parameters()))
    return torch.cat([gradient.flatten() for gradient in found])


def hardly_changes(module, loss, kind: "torch.dtype", bfloat16) -> None:
    """Mixed precision changes the loss and its gradient, but not by much."""
    exact = loss()
    slope = gradients(module, exact)
    bfloat16()
    mixed = loss()
    assert mixed.dtype == kind
    assert mixed.item() != exact.item()
    assert mixed.item() == pytest.approx(exact.item(), rel=0.01)
    assert torch.cosine_similarity(gradients(module, mixed), slope, dim=0) > 0.99


def test_the_loss_and_gradient_of_tvae(bfloat16):
    from redwood.surrogates.models.tvae.networks import Decoder, Encoder
    from redwood.surrogates.models.tvae.surrogate import _loss

    layout, rows = Layout(2, (3, 40)), rows_of((3, 40))
    torch.manual_seed(1)
    module = torch.nn.ModuleDict(
        {
            "encoder": Encoder(layout.width, (32,), 5),
            "decoder": Decoder(5, (32,), layout.width),
        }
    )

    def loss():
        return _loss(module, layout, rows, 2.0, torch.Generator().manual_seed(2))

    hardly_changes(module, loss, torch.float32, bfloat16)


def test_the_loss_and_gradient_of_tabddpm(bfloat16):
    from redwood.surrogates.models.tabddpm.denoiser import Denoiser
    from redwood.surrogates.models.tabddpm.diffusion import NoiseSchedule, draw_times
    from redwood.surrogates.models.tabddpm.process import row_losses

    torch.manual_seed(1)
    denoiser, rows = Denoiser(2, (3, 40), 8, (32,)), rows_of((3, 40))
    schedule = NoiseSchedule.cosine(100)
    times = draw_times(200, 100, torch.Generator().manual_seed(3))

    def loss():
        source = torch.Generator().manual_seed(2)
        return row_losses(denoiser, "velocity", schedule.kept, rows, times, source).mean()

    hardly_changes(denoiser, loss, torch.float64, bfloat16)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("device", "why"), [("auto", "no CUDA GPU can be used"), ("cpu", "as asked for")]
)
def test_the_log_says_why_a_model_computes_on_the_cpu(device, why, capsys, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert choose_device(device).type == "cpu"
    said = f"computing on the CPU: {why} (CUDA_VISIBLE_DEVICES=1)\n"
    assert capsys.readouterr().err == said
