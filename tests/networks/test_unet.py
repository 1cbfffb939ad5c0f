"""The U-Net as a map."""

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from galddpm.networks.blocks import AttentionBlock, attend
from galddpm.networks.embeddings import NEW_CONDITIONS, ConditionEmbedding, sinusoids
from galddpm.networks.unet import UNet
from helpers.models import awake

SMALL = {"channels": (8, 16), "bottleneck": 16, "blocks": 1, "attention": (4,), "embedding": 16}


def small(**changes):
    torch.manual_seed(0)
    options = {"bands": 5, "size": 8, "heads": 2} | SMALL | changes
    return UNet(**options)


def inputs(size=8, bands=5, count=3):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(count, bands, size, size, generator=generator)
    return x, torch.tensor([1.0, 300.0, 999.0])[:count], torch.tensor([0.05, 0.5, 3.0])[:count]


def test_a_fresh_network_puts_out_exactly_zero():
    assert not small()(*inputs()).any()


@pytest.mark.parametrize(
    ("size", "bands", "patch_size"), [(8, 5, 1), (8, 1, 2), (7, 3, 1), (13, 5, 2)]
)
def test_any_size_and_any_bands(size, bands, patch_size):
    network = awake(small(bands=bands, size=size, patch_size=patch_size, attention=()))
    out = network(*inputs(size, bands))
    assert out.shape == (3, bands, size, size)
    assert out.abs().max() > 0


def test_two_calls_are_bit_equal_and_rows_do_not_mix():
    network, (x, t, z) = awake(small(dropout=0.5)), inputs()
    first = network(x, t, z)
    assert torch.equal(first, network(x, t, z))
    order = torch.tensor([2, 0, 1])
    permuted = network(x[order], t[order], z[order])
    torch.testing.assert_close(permuted, first[order], rtol=1e-5, atol=1e-6)


def test_attention_equals_the_textbook():
    torch.manual_seed(0)
    block = AttentionBlock(8, heads=2)
    for layer in (block.out, block.mlp_out):
        torch.nn.init.normal_(layer.weight, std=0.3)
    x = torch.randn(2, 8, 3, 5)
    tokens = x.flatten(2).transpose(1, 2)
    linear = lambda layer, values: values @ layer.weight[..., 0, 0].T + layer.bias  # noqa: E731
    normed = lambda norm: layer_norm(tokens, (8,), norm.weight, norm.bias)  # noqa: E731
    q, k, v = linear(block.qkv, normed(block.norm_attention)).chunk(3, dim=-1)
    heads = []
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        weights = torch.softmax(q[..., part] @ k[..., part].transpose(1, 2) / 2, dim=-1)
        heads.append(weights @ v[..., part])
    tokens = tokens + linear(block.out, torch.cat(heads, dim=-1))
    hidden = torch.nn.functional.gelu(linear(block.mlp_in, normed(block.norm_mlp)))
    tokens = tokens + linear(block.mlp_out, hidden)
    expected = tokens.transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("patch_size", [1, 2])
def test_gates_pass_a_share_of_the_input_and_of_its_means(patch_size):
    network, (x, t, z) = small(gates=[1, 3], patch_size=patch_size), inputs()
    assert network(x, t, z).abs().max() == 0
    gains = torch.tensor([0.3, -0.5]).repeat_interleave(len(network.gain.bias) // 2)
    network.gain.bias.data.copy_(gains)
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    around = sum(x.roll((i, j), (2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    torch.testing.assert_close(network(x, t, z)[inside], (0.3 * x - 0.5 * around)[inside])


@pytest.mark.parametrize("patch_size", [1, 2])
def test_further_planes_follow_those_of_the_bands(patch_size):
    network, (x, t, z) = small(trusts=2, patch_size=patch_size), inputs()
    bands = x.shape[1]
    assert network(x, t, z).shape == (len(x), 3 * bands, *x.shape[2:])
    network.last.bias.data.fill_(1.0)
    network.trust.bias.data[: bands * patch_size**2] = 2.0
    out = network(x, t, z)
    for part, value in zip(out.split(bands, dim=1), (1.0, 2.0, 0.0), strict=True):
        torch.testing.assert_close(part, torch.full_like(x, value))


def test_output_depends_on_redshift_and_t_after_a_few_steps():
    network, (x, t, z) = small(), inputs()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(5):
        (network(x, t, z) - x * z[:, None, None, None]).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    out = network(x, t, z)
    assert (network(x, t, z + 0.5) - out).abs().max() > 1e-3
    assert (network(x, t / 2, z) - out).abs().max() > 1e-3


def test_sinusoids_turn_over_their_periods():
    waves = sinusoids(torch.tensor([0.0, 0.05, 4.0, 2.0], dtype=torch.float64), 16, 0.05, 4.0)
    cosines = waves[:, :8]
    assert waves.shape == (4, 16)
    torch.testing.assert_close(cosines[0], torch.ones(8, dtype=torch.float64))
    assert cosines[1, 0].item() == pytest.approx(1)  # the fastest wave turned once
    assert cosines[2, -1].item() == pytest.approx(1)  # the slowest too
    assert cosines[3, -1].item() == pytest.approx(-1)
    np.testing.assert_allclose((waves[:, :8] ** 2 + waves[:, 8:] ** 2).numpy(), 1, rtol=1e-12)


def test_an_unknown_condition_adds_nothing():
    """As with redshifts alone, and as with a network that has no further conditions."""
    x, t, z = inputs()
    torch.manual_seed(0)
    network = small(ranges=[(14.0, 28.0), (1.0, 20.0)])
    for layer in network.embedding.others:
        torch.nn.init.normal_(layer.weight)
    alone = awake(network)(x, t, z)
    unknown = torch.tensor([[torch.nan, torch.nan], [13.9, 20.1], [torch.nan, 0.0]])
    torch.testing.assert_close(network(x, t, torch.column_stack([z, unknown])), alone)
    known = torch.tensor([[20.0, torch.nan], [torch.nan, torch.nan], [torch.nan, 3.0]])
    apart = (network(x, t, torch.column_stack([z, known])) - alone).abs().amax(dim=(1, 2, 3))
    assert (apart > 0).tolist() == [True, False, True]


def test_a_network_learns_a_condition_from_where_it_was():
    plain, wider = small(), small(ranges=[(0.0, 1.0)])
    missing, _ = wider.load_state_dict(plain.state_dict(), strict=False)
    assert {NEW_CONDITIONS in name for name in missing} == {True}
    known = torch.tensor([[0.1, 0.5], [0.5, 0.1], [3.0, torch.nan]])
    awake(plain)
    wider.load_state_dict(plain.state_dict(), strict=False)
    x, t, _ = inputs()
    torch.testing.assert_close(wider(x, t, known), plain(x, t, known[:, 0]))


def test_redshifts_of_one_bin_are_alike():
    torch.manual_seed(0)
    binned, exact = ConditionEmbedding(16, bin_width=0.1), ConditionEmbedding(16)
    exact.load_state_dict(binned.state_dict())
    t = torch.zeros(4)
    out = binned(t, torch.tensor([0.31, 0.39, 0.41, 2.04]))
    torch.testing.assert_close(out, exact(t, torch.tensor([0.35, 0.35, 0.45, 2.05])))
    assert (out[1] - out[2]).abs().max() > 1e-3


def test_the_papers_network_has_attention_where_the_paper_has_it():
    network = UNet(bands=5, size=64)
    held = [isinstance(stage.attention, AttentionBlock) for stage in network.down]
    assert held == [False, True, True, True]
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(26.5e6, rel=0.01)


@pytest.mark.parametrize("tokens", [16, 256])
def test_attention_in_bfloat16_stays_near_float64(tokens):
    """On a CPU it takes another way than the fused kernel, which is held to the same bound."""
    generator = torch.Generator().manual_seed(0)
    exact = [torch.randn(2, 4, tokens, 32, generator=generator).double() for _ in range(3)]
    expected = scaled_dot_product_attention(*exact)
    rounded = [values.bfloat16() for values in exact]
    for attention in (attend, scaled_dot_product_attention):
        error = (attention(*rounded) - expected).norm() / expected.norm()
        assert error < 0.01
