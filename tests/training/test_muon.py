"""Muon: the orthogonal factor from its polynomial, and the size and direction of its steps."""

import numpy as np
import pytest
import torch

from galddpm.training.muon import (
    ITERATIONS,
    A,
    B,
    C,
    Muon,
    all_orthogonalised,
    as_matrix,
    as_tensor,
    orthogonalised,
)


def polynomial(s):
    """The odd polynomial on singular values, as often as it is applied."""
    for _ in range(ITERATIONS):
        s = A * s + B * s**3 + C * s**5
    return s


@pytest.mark.parametrize("shape", [(24, 200), (200, 24), (32, 32), (1, 9)])
def test_singular_vectors_stay_and_singular_values_become_the_polynomials(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, s, v = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    expected = u @ np.diag(polynomial(s / np.linalg.norm(s))) @ v
    torch.testing.assert_close(
        orthogonalised(matrix).double(), torch.from_numpy(expected), rtol=0, atol=3e-4
    )


def test_singular_values_over_two_decades_come_near_one():
    generator = torch.Generator().manual_seed(2)
    u, v = (torch.linalg.qr(torch.randn(40, 40, generator=generator))[0] for _ in range(2))
    found = torch.linalg.svdvals(orthogonalised(u @ torch.diag(torch.logspace(-1, 1, 40)) @ v))
    assert found.min() > 0.6
    assert found.max() < 1.2


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_the_scale_of_a_gradient_does_not_matter(scale):
    matrix = torch.randn(8, 30, generator=torch.Generator().manual_seed(3))
    expected = orthogonalised(matrix) if scale else torch.zeros(8, 30)
    torch.testing.assert_close(orthogonalised(scale * matrix), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_kernels_become_matrices_and_back(layout):
    kernel = torch.randn(6, 5, 3, 3).to(memory_format=layout)
    matrix = as_matrix(kernel)
    assert matrix.shape == (6, 45)
    assert torch.equal(as_tensor(matrix, kernel.shape), kernel)
    assert torch.equal(as_tensor(as_matrix(kernel[..., 0, 0]), (6, 5)), kernel[..., 0, 0])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_step_is_as_large_as_one_of_adamw_and_goes_downhill(layout):
    weight = torch.nn.Parameter(torch.zeros(32, 16, 3, 3).to(memory_format=layout))
    weight.grad = torch.randn(32, 16, 3, 3, generator=torch.Generator().manual_seed(4))
    Muon([weight], lr=0.01, weight_decay=0.0).step()
    size = weight.detach().square().mean().sqrt()
    assert 0.2 * 0.01 * 0.68 < size < 0.2 * 0.01 * 1.14
    assert (weight * weight.grad).sum() < 0
    expected = orthogonalised(as_matrix(weight.grad)) * -0.01 * 0.2 * 144**0.5
    torch.testing.assert_close(as_matrix(weight.detach()), expected)


def test_momentum_is_nesterovs_and_weights_decay_apart_from_it():
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimiser = Muon([weight], lr=0.1, weight_decay=0.5, momentum=0.75)
    gradients = torch.tensor([[[1.0, 2.0], [3.0, -1.0]], [[0.0, 1.0], [2.0, 2.0]]])
    running, expected = torch.zeros(2, 2), torch.ones(2, 2)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimiser.step()
        running = 0.75 * running + 0.25 * gradient
        step = orthogonalised(0.75 * running + 0.25 * gradient)
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * 0.2 * 2**0.5 * step
    torch.testing.assert_close(weight.detach(), expected)


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (9, 9)])
def test_matrices_that_are_taken_together_do_not_mix(shape):
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(5))
    for matrix, found in zip(matrices, all_orthogonalised(list(matrices)), strict=True):
        torch.testing.assert_close(found, orthogonalised(matrix), rtol=1e-4, atol=1e-5)
