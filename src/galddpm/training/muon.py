"""Muon: momentum for weight matrices, brought to equal singular values before each step."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

# The odd polynomial a s + b s^3 + c s^5 that takes singular values s of (0, 1] to about 1 when
# applied five times; the coefficients are those of Jordan et al. 2024,
# https://kellerjordan.github.io/posts/muon. After it they lie between 0.68 and 1.14.
A, B, C = 3.4445, -4.7750, 2.0315
ITERATIONS = 5
MATCH = 0.2  # root mean square of an AdamW step in units of its learning rate (arXiv:2502.16982)


class Muon(torch.optim.Optimizer):
    """Steps for parameters of two or more dimensions, a matrix (outputs, all else) each.

    With U the Nesterov momentum of the gradients and U V^T its orthogonal factor, the step is
    lr 0.2 sqrt(larger side) U V^T: as large as one of AdamW, so that both share a learning rate
    (Liu et al. 2025, arXiv:2502.16982, Eq. 4). All directions that the gradient of a layer has move
    alike, the rare ones too, where AdamW follows the few that dominate.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
    ):
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override] # it takes no closure
        for group in self.param_groups:
            shrink = 1 - group["lr"] * group["weight_decay"]
            for alike in taken_together(group["params"]):
                ahead = [as_matrix(self._ahead(p, group["momentum"])) for p in alike]
                steps = all_orthogonalised(ahead)
                size = group["lr"] * MATCH * max(ahead[0].shape) ** 0.5
                for parameter, step in zip(alike, steps, strict=True):
                    parameter.mul_(shrink)
                    parameter.add_(as_tensor(step, parameter.shape), alpha=-size)

    def _ahead(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov's momentum: the running mean with the newest gradient once more."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient = parameter.grad
        assert gradient is not None  # a step follows a backward pass
        running = state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(running, momentum)


def taken_together(parameters: Sequence[nn.Parameter]) -> Iterable[list[nn.Parameter]]:
    """Parameters whose steps are computed at once: on a GPU those of one shape, for it is the
    number of operations that takes time there; on a CPU each alone, so that what is at hand stays
    in the cache."""
    alike: dict[object, list[nn.Parameter]] = {}
    for number, parameter in enumerate(parameters):
        alike.setdefault(parameter.shape if parameter.is_cuda else number, []).append(parameter)
    return alike.values()


def as_matrix(tensor: Tensor) -> Tensor:
    """(outputs, inputs, ...) as (outputs, all else), channels last, as they lie in memory."""
    return tensor.movedim(1, -1).flatten(1)


def as_tensor(matrix: Tensor, shape: Sequence[int]) -> Tensor:
    """The tensor (outputs, inputs, ...) of a matrix that `as_matrix` made."""
    outputs, inputs, *kernel = shape
    return matrix.view(outputs, *kernel, inputs).movedim(-1, 1)


def all_orthogonalised(matrices: Sequence[Tensor]) -> Iterable[Tensor]:
    """`orthogonalised` of each of some matrices of one shape; of several at once."""
    if len(matrices) == 1:
        return [orthogonalised(matrices[0])]
    together: Tensor = torch.vmap(orthogonalised)(torch.stack(list(matrices)))
    return together


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix (rows, columns) with all singular values near 1, and 0 where they are 0.

    The polynomial is iterated in the Gram matrix of the shorter side, which for a convolution is a
    fraction of the work of iterating in the matrix.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    gram = matrix @ matrix.T if wide else matrix.T @ matrix
    square = gram.trace().clamp(min=1e-30)  # of the norm, which no singular value exceeds
    gram = gram / square
    total = torch.eye(len(gram), dtype=gram.dtype, device=gram.device) / square.sqrt()
    for _ in range(ITERATIONS):
        factor = torch.addmm(gram, gram, gram, beta=B, alpha=C)
        factor.diagonal().add_(A)
        gram, total = factor @ gram @ factor, factor @ total
    return total @ matrix if wide else matrix @ total
