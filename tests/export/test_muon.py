"""Muon: what it turns a gradient into, and which parameters it handles."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")

from export.network.matting_network import PORTRAIT, MattingNetwork  # noqa: E402
from export.training.muon import Muon, Optimiser, is_matrix, orthogonal  # noqa: E402


@pytest.mark.parametrize("shape", [(24, 96), (96, 24), (48, 48)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(shape) * 1e-3
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.3
    # Directions are kept: the result is the matrix with its singular values equalised.
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    along = torch.diagonal(left.T @ orthogonal(matrix) @ right.T)
    assert torch.allclose(along, values.sort(descending=True).values.mean(), atol=0.6)
    assert along.min() > 0.5


def test_nothing_of_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(4, 8)), torch.zeros(4, 8))


def test_who_takes_what() -> None:
    network = MattingNetwork(PORTRAIT)
    named = dict(network.named_parameters())
    matrices = {name for name, value in named.items() if is_matrix(name, value)}
    assert all(named[name].ndim == 4 for name in matrices)
    assert not any("stem" in name or "head" in name for name in matrices)
    # Most of the network's values, though only a fifth of its tensors.
    share = sum(named[name].numel() for name in matrices) / sum(v.numel() for v in named.values())
    assert share > 0.85  # MediaPipe's branches have more depthwise kernels and biases


def test_it_finds_a_least_squares_solution() -> None:
    torch.manual_seed(2)
    wanted, layer = torch.randn(8, 16, 1, 1), torch.nn.Conv2d(16, 8, 1, bias=False)
    image = torch.randn(64, 16, 4, 4)
    truth = torch.nn.functional.conv2d(image, wanted)
    optimiser = Muon([layer.weight], rate=0.02, decay=0.0)
    losses = []
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
        loss = (layer(image) - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 1e-3 * losses[0]


def test_the_rate_reaches_every_group_and_the_state_comes_back() -> None:
    torch.manual_seed(3)
    network = MattingNetwork(PORTRAIT)
    optimiser = Optimiser(network, rate=1e-3)
    network.forward_logits(torch.randn(2, 3, 160, 288)).square().mean().backward()
    optimiser.set_rate(0.0)
    before = [value.detach().clone() for value in network.parameters()]
    optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    other = Optimiser(network, rate=1e-3)
    other.load_state_dict(optimiser.state_dict())
    kept, given = (one.state_dict()[0]["state"] for one in (other, optimiser))
    assert kept.keys() == given.keys()
    assert all(torch.equal(kept[key]["momentum"], given[key]["momentum"]) for key in kept)


def test_the_state_of_another_optimiser_is_refused() -> None:
    network = MattingNetwork(PORTRAIT)
    old = torch.optim.AdamW(network.parameters()).state_dict()
    with pytest.raises(ValueError, match="begin a new run from its weights"):
        Optimiser(network, rate=1e-3).load_state_dict(old)
