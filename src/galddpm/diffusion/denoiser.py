"""A network and what its output means, as an estimate of the image."""

from collections.abc import Sequence
from typing import Protocol, cast

from torch import Tensor, nn

from galddpm.diffusion.light import SkyNoise, image_of, light_aim
from galddpm.diffusion.means import weighed_means
from galddpm.diffusion.process import (
    add_noise,
    column,
    for_batch,
    input_scale,
    output_scale,
    target,
    x_0_from,
)
from galddpm.diffusion.schedule import Level, Schedule
from galddpm.diffusion.typical_loss import TypicalLoss
from galddpm.in_parts import in_parts


class Network(Protocol):
    """What a network offers to those who train it."""

    def hidden_weights(self) -> list[nn.Parameter]:
        """Its weight matrices, without the layers from and to pixels and conditions."""


class Denoiser(nn.Module):
    """denoiser(x, level, condition) -> x_0, all in the model's units.

    The network sees x scaled by `input_scale`, t and the condition, and stays a plain map; the
    prediction type lives here alone.

    Parameters
    ----------
    network: (x (B, C, H, W), t (B,), condition) -> (B, C, H, W). The condition is redshifts (B,),
        or (B, 1 + K), redshifts and what else is asked for, NaN where it is unknown.
    schedule: turns a level into t.
    prediction: "eps", "v", "x_0" or "edm".
    sigma_data: standard deviation that edm and the input's scale assume of the images.
    """

    lowest = 0.0  # sigma/alpha from which on it is trained
    parts = 1  # of a batch, on which it is trained one after the other

    def __init__(
        self, network: nn.Module, schedule: Schedule, prediction: str, sigma_data: float = 1.0
    ):
        super().__init__()
        self.network, self.schedule = network, schedule
        self.prediction, self.sigma_data = prediction, sigma_data
        self.typical_loss = TypicalLoss()  # of use in training alone

    def hidden_weights(self) -> list[nn.Parameter]:
        """The network's weight matrices, without the layers from and to pixels and conditions."""
        return cast(Network, self.network).hidden_weights()

    def output(self, x: Tensor, alpha: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        """The network's output F at x (B, C, H, W), levels (B,) and conditions."""
        scaled = x * column(input_scale(alpha, sigma, self.sigma_data), x)
        t = self.schedule.t_of(alpha, sigma).to(x.dtype)
        return in_parts(self.network, self.parts, scaled, t, condition).to(x.dtype)

    def error(
        self, x_0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor, condition: Tensor
    ) -> Tensor:
        """F less what it should be, (B, C, H, W), on images x_0 under noise eps at levels (B,)."""
        output = self.output(add_noise(x_0, eps, alpha, sigma), alpha, sigma, condition)
        return output - target(self.prediction, x_0, eps, alpha, sigma, self.sigma_data)

    def forward(self, x: Tensor, level: Level, condition: Tensor) -> Tensor:
        """The estimated image, (B, C, H, W), of x at one level (alpha, sigma)."""
        alpha, sigma = for_batch(level, x)
        output = self.output(x, alpha, sigma, condition)
        return x_0_from(self.prediction, output, x, alpha, sigma, self.sigma_data)


class LightDenoiser(Denoiser):
    """A denoiser whose network estimates the light alone, see light.py.

    The noise that the images have of their own passes as its spectrum says, without learning. It is
    trained where there is more noise than that: below, Eq. 2 is more noise than light.

    Parameters
    ----------
    network: (x (B, C, H, W), t (B,), condition) -> (B, C, H, W), what is added to light that
        passes from x; with means (B, (2 + means) C, H, W), with the trusts of `weighed_means`.
    noise: that the images have of their own.
    means: widths of the means of x that pass [pixel]; none: x itself does, as in edm.
    schedule, sigma_data: as of Denoiser.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        noise: SkyNoise,
        sigma_data: float = 1.0,
        means: Sequence[int] = (),
    ):
        super().__init__(network, schedule, "edm", sigma_data)
        self.noise, self.lowest, self.means = noise, noise.sigma, tuple(means)

    def light(self, x: Tensor, alpha: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        """The estimated light, (B, C, H, W), of x at levels (B,) and conditions."""
        output = self.output(x, alpha, sigma, condition)
        own, trusts = output.tensor_split([x.shape[1]], dim=1)
        equal = x.new_zeros(1, 2, 1, 1, 1)
        trusts = trusts.unflatten(1, (-1, x.shape[1])) if self.means else equal
        levels = column(alpha, x), column(sigma, x)
        passed = weighed_means(x, trusts, *levels, self.means or (1,), self.sigma_data)
        return passed + self.scale(x, alpha, sigma) * own

    def scale(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Light that 1 of the network's output stands for at levels (B,), (B, 1, 1, 1)."""
        return column(output_scale(alpha, sigma, self.sigma_data), x)

    def error(
        self, x_0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor, condition: Tensor
    ) -> Tensor:
        x = add_noise(x_0, eps, alpha, sigma)
        light = self.light(x, alpha, sigma, condition)
        share = self.noise.share(light.detach())  # of what is seen alone, so that Eq. 2 holds
        aim = light_aim(x_0, eps, column(sigma / alpha, x), self.noise, share)
        return (light - aim) / self.scale(x, alpha, sigma)

    def forward(self, x: Tensor, level: Level, condition: Tensor) -> Tensor:
        alpha, sigma = for_batch(level, x)
        light = self.light(x, alpha, sigma, condition)
        levels, share = (column(alpha, x), column(sigma, x)), self.noise.share(light)
        return image_of(light, x, *levels, self.noise, share)
