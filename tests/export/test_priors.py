"""Priors: the network begins as ours plus a share of theirs, and can do without each."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")
pytest.importorskip("onnx", reason="onnx lives only in the export environment")

from torch.nn import functional  # noqa: E402

from export.network.matting_network import PORTRAIT, MattingNetwork  # noqa: E402


@pytest.fixture(scope="module")
def network() -> MattingNetwork:
    torch.manual_seed(0)
    return MattingNetwork(PORTRAIT).eval()


@pytest.fixture(scope="module")
def alone(network: MattingNetwork) -> MattingNetwork:
    """The same weights without any prior."""
    other = MattingNetwork(replace(PORTRAIT, priors=())).eval()
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("priors.")}
    other.load_state_dict(state)
    return other


@torch.no_grad()
def test_begins_as_ours_plus_half_of_theirs(network: MattingNetwork, alone: MattingNetwork) -> None:
    image = torch.rand(2, 3, 160, 288) * 2 - 1
    assert network.priors is not None
    found = [branch(image * 0.5 + 0.5)[0] for branch in network.priors.branches.values()]
    prior = torch.stack(found).mean(0)
    prior = functional.interpolate(prior, scale_factor=2.0, mode="bilinear", align_corners=False)
    prior = functional.interpolate(prior, scale_factor=2.0, mode="nearest")
    expected = alone.forward_logits(image) + 0.5 * prior
    torch.testing.assert_close(network.forward_logits(image), expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_left_out_priors_leave_ours(network: MattingNetwork, alone: MattingNetwork) -> None:
    image = torch.rand(2, 3, 96, 176) * 2 - 1
    logits = network.forward_logits(image, torch.zeros(2, len(PORTRAIT.priors)))
    torch.testing.assert_close(logits, alone.forward_logits(image), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_upright_too(network: MattingNetwork) -> None:
    assert network(torch.zeros(1, 3, 288, 160)).shape == (1, 1, 288, 160)
