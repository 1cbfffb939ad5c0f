"""A network and what its output means, as an estimate of the image."""

from typing import Protocol, cast

from torch import Tensor, nn

from galddpm.diffusion.process import column, for_batch, input_scale, x_0_from
from galddpm.diffusion.schedule import Schedule
from galddpm.diffusion.sky_denoiser import SkyNoise, detail_output
from galddpm.diffusion.typical_loss import TypicalLoss


class Network(Protocol):
    """What a network offers to those who train it."""

    def hidden_weights(self) -> list[nn.Parameter]:
        """Its weight matrices, without the layers from and to pixels and conditions."""


class Denoiser(nn.Module):
    """denoiser(x, level, redshift) -> x_0, all in the model's units.

    The network sees x scaled by `input_scale`, t and the redshift, and stays a plain map; the
    prediction type lives here alone.

    Parameters
    ----------
    network: (x (B, C, H, W), t (B,), redshift (B,)) -> (B, C, H, W).
    schedule: turns a level into t.
    prediction: "eps", "v", "x_0" or "edm".
    sigma_data: standard deviation that edm and the input's scale assume of the images. With that of
        the sky alone an edm network that puts out 0 is already the ideal denoiser of sky noise.
    sky_noise: what is known of the sky's noise, for edm with its sigma_data; see sky_denoiser.py.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        prediction: str,
        sigma_data: float = 1.0,
        sky_noise: SkyNoise | None = None,
    ):
        super().__init__()
        self.network, self.schedule = network, schedule
        self.prediction, self.sigma_data = prediction, sigma_data
        self.sky_noise = sky_noise
        self.typical_loss = TypicalLoss()  # of use in training alone

    def hidden_weights(self) -> list[nn.Parameter]:
        """The network's weight matrices, without the layers from and to pixels and conditions."""
        return cast(Network, self.network).hidden_weights()

    def output(self, x: Tensor, alpha: Tensor, sigma: Tensor, redshift: Tensor) -> Tensor:
        """The output F at x (B, C, H, W), levels (B,) and redshifts (B,): the network's output plus
        `detail_output`, which is known without learning."""
        scaled = x * column(input_scale(alpha, sigma, self.sigma_data), x)
        t = self.schedule.t_of(alpha, sigma).to(x.dtype)
        output: Tensor = self.network(scaled, t, redshift).to(x.dtype)
        return output + detail_output(x, alpha, sigma, self.sky_noise) if self.sky_noise else output

    def forward(self, x: Tensor, level: tuple[float, float], redshift: Tensor) -> Tensor:
        """The estimated image, (B, C, H, W), of x at one level (alpha, sigma)."""
        alpha, sigma = for_batch(level, x)
        output = self.output(x, alpha, sigma, redshift)
        return x_0_from(self.prediction, output, x, alpha, sigma, self.sigma_data)
