"""The losses against values worked out by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")

from export.training import losses  # noqa: E402


def test_gradient_loss_by_hand() -> None:
    true = torch.zeros(1, 1, 4, 4)
    predicted = true.clone()
    predicted[..., 2:] = 1  # one step of 1 in each of 4 rows, 12 differences along x, 12 along y
    assert losses.gradient_loss(predicted, true).item() == pytest.approx(4 / 12)


def test_temporal_loss_by_hand() -> None:
    true = torch.zeros(1, 2, 2, 2)
    true[:, 1] = 1.0
    predicted = torch.full((1, 2, 2, 2), 0.25)  # does not change where the true alpha does
    assert losses.temporal_loss(predicted, true).item() == pytest.approx(1.0)
    assert losses.temporal_loss(true + 0.1, true).item() == pytest.approx(0.0, abs=1e-6)


def test_laplacian_loss_of_a_constant_error_is_in_the_last_level_alone() -> None:
    true = torch.zeros(2, 1, 64, 64)
    loss = losses.laplacian_loss(true + 0.5, true, levels=3)
    assert loss.item() == pytest.approx(0.5 * 2**3, rel=1e-5)


def test_halving_is_the_binomial_and_then_the_mean_of_four() -> None:
    x = torch.rand(2, 1, 32, 48, dtype=torch.float64)
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=torch.float64) / 16
    wide = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="reflect")
    wide = torch.nn.functional.conv2d(wide, taps.view(1, 1, 1, 5))
    wide = torch.nn.functional.conv2d(wide, taps.view(1, 1, 5, 1))
    torch.testing.assert_close(losses._halve(x), torch.nn.functional.avg_pool2d(wide, 2))


def test_a_right_answer_costs_almost_nothing_and_a_wrong_one_much() -> None:
    true = (torch.rand(2, 2, 32, 32) > 0.5).float()
    right, _ = losses.matting_loss((true - 0.5) * 40, true)
    wrong, parts = losses.matting_loss((0.5 - true) * 40, true)
    assert right.item() < 1e-3
    assert wrong.item() > 10
    assert set(parts) == {"bce", "alpha", "laplacian", "gradient", "temporal"}


def test_what_is_not_known_is_not_learnt() -> None:
    true = (torch.rand(2, 1, 32, 32) > 0.5).float()
    weight = torch.ones_like(true)
    weight[..., 16:] = 0
    logits = ((true - 0.5) * 40).requires_grad_()
    wrong = torch.where(weight > 0, logits, -logits).detach().requires_grad_()
    for answer in (logits, wrong):
        loss, parts = losses.matting_loss(answer, true, weight)
        assert loss.item() < 2e-3
        assert parts["alpha"] < 1e-3
    loss.backward()
    assert wrong.grad is not None
    assert wrong.grad[..., 20:].abs().max() < 1e-6
