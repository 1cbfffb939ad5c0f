"""The attention U-Net of the paper (section 5.1, figure 1)."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, pixel_shuffle, pixel_unshuffle

from galddpm.networks.blocks import AttentionBlock, ResidualBlock, group_norm, zero_initialised
from galddpm.networks.embeddings import ConditionEmbedding
from galddpm.pooling import mean_over


class Stage(nn.Module):
    """Residual blocks of one resolution, with self-attention after the last where wanted."""

    def __init__(
        self, widths: Sequence[int], attention: bool, heads: int, embedding: int, dropout: float
    ):
        super().__init__()
        self.blocks = nn.ModuleList(
            ResidualBlock(inputs, outputs, embedding, dropout)
            for inputs, outputs in pairwise(widths)
        )
        self.attention = AttentionBlock(widths[-1], heads) if attention else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, condition)
        attended: Tensor = self.attention(x)
        return attended


class UNet(nn.Module):
    """(x (B, bands, H, W), t (B,), condition) -> (B, (1 + trusts) bands, H, W), for any H, W.

    The condition is redshifts (B,), or (B, 1 + K), see ConditionEmbedding.
    The input is padded to a multiple of patch_size 2^(resolutions - 1) and the output cropped back.

    Parameters
    ----------
    bands: channels of the image.
    size: pixels on a side, which says at which stage an attention resolution lies.
    channels: widths by resolution, each half the one before.
    bottleneck: width at the lowest resolution.
    blocks: residual blocks at each resolution.
    attention: resolutions with self-attention [pixels of patches].
    heads: of each attention.
    patch_size: patch_size x patch_size pixels become channels before the first layer.
    gates: widths of squares [pixel]. For each, the output gets the input's means over such squares,
        times gains that the network gives for each value: it says how much of the input passes, and
        from how far around, and need not carry every pixel to the output. 1 is the input itself.
    trusts: further planes of output for each band, of which diffusion/means.py makes use.
    coordinates: give each pixel's place as two more input channels (Liu et al. 2018,
        arXiv:1807.03247), from which a network learns sooner that galaxies are centred.
    embedding: dimensions of the condition.
    periods: of the redshift embedding's fastest and slowest wave [redshift].
    bin_width: of redshift bins to condition on; None: on the redshift itself.
    ranges: of further conditions.
    """

    def __init__(
        self,
        bands: int,
        size: int,
        channels: Sequence[int] = (64, 128, 256, 256),
        bottleneck: int = 512,
        blocks: int = 2,
        attention: Sequence[int] = (32, 16, 8),
        heads: int = 4,
        patch_size: int = 1,
        gates: Sequence[int] = (),
        trusts: int = 0,
        coordinates: bool = False,
        embedding: int = 256,
        dropout: float = 0.0,
        periods: tuple[float, float] = (0.05, 4.0),
        bin_width: float | None = None,
        ranges: Sequence[tuple[float, float]] = (),
    ):
        super().__init__()
        self.patch_size, self.stride = patch_size, patch_size << (len(channels) - 1)
        self.coordinates = coordinates
        grid = (size + self.padding(size)) // patch_size
        make_stage = partial(Stage, heads=heads, embedding=embedding, dropout=dropout)
        self.embedding = ConditionEmbedding(embedding, periods, bin_width, ranges)
        self.first = nn.Conv2d(bands * patch_size**2 + 2 * coordinates, channels[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        above = channels[0]
        for level, width in enumerate(channels):
            here = (grid >> level) in attention
            below = channels[level + 1] if level + 1 < len(channels) else width
            self.down.append(make_stage([above] + blocks * [width], here))
            self.up.insert(0, make_stage([below + width] + blocks * [width], here))
            above = width
        lowest = (grid >> (len(channels) - 1)) in attention
        self.middle = make_stage([above, *blocks * [bottleneck]], lowest)
        self.narrow = nn.Conv2d(bottleneck, above, 1)
        self.norm = group_norm(channels[0])
        outputs = bands * patch_size**2
        self.last = zero_initialised(nn.Conv2d(channels[0], outputs, 3, padding=1))
        self.gates = tuple(gates)
        gains = len(self.gates) * outputs
        self.gain = zero_initialised(nn.Conv2d(channels[0], gains, 1)) if gates else None
        more = trusts * outputs
        self.trust = zero_initialised(nn.Conv2d(channels[0], more, 1)) if trusts else None

    def hidden_weights(self) -> list[nn.Parameter]:
        """The matrices of the stages, without the layers from and to pixels and conditions."""
        stages = (self.down, self.middle, self.up)
        return [weight for part in stages for weight in part.parameters() if weight.ndim > 1]

    def padding(self, size: int) -> int:
        """Pixels that a side of `size` lacks to a multiple of the stride."""
        return -size % self.stride

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        (height, width), dtype = x.shape[-2:], x.dtype
        embedded = nn.functional.silu(self.embedding(t, condition))
        x = pad(x, (0, self.padding(width), 0, self.padding(height)))
        means = [self._in_patches(mean_over(x, width)) for width in self.gates]
        x = self.first(self._with_places(self._in_patches(x)))
        skips = []
        for level, stage in enumerate(self.down):
            x = stage(nn.functional.avg_pool2d(x, 2) if level else x, embedded)
            skips.append(x)
        x = self.narrow(self.middle(x, embedded))
        for level, stage in enumerate(self.up):
            x = nn.functional.interpolate(x, scale_factor=2.0) if level else x
            x = stage(torch.cat([x, skips.pop()], dim=1), embedded)
        x = gelu(self.norm(x))
        out: Tensor = self.last(x)
        # what passes of a bright core bfloat16 would round by a quarter of the noise on it
        with torch.autocast(x.device.type, enabled=False):
            x = self._with_what_passes(out.to(dtype), x.to(dtype), means)
        x = pixel_shuffle(x, self.patch_size) if self.patch_size > 1 else x
        return x[..., :height, :width]

    def _with_what_passes(self, out: Tensor, x: Tensor, means: list[Tensor]) -> Tensor:
        """The last layer's output, with what its gates let pass of the means, and the trusts."""
        if self.gain is not None:
            passed = self.gain(x) * torch.cat(means, dim=1)
            out = out + passed.unflatten(1, (len(means), -1)).sum(dim=1)
        return out if self.trust is None else torch.cat([out, self.trust(x)], dim=1)

    def _in_patches(self, x: Tensor) -> Tensor:
        return pixel_unshuffle(x, self.patch_size) if self.patch_size > 1 else x

    def _with_places(self, x: Tensor) -> Tensor:
        x = torch.cat([x, places(x)], dim=1) if self.coordinates else x
        return x.contiguous(memory_format=torch.channels_last)


def places(x: Tensor) -> Tensor:
    """Coordinates (B, 2, H, W) of the pixels of x (B, C, H, W), from -1 to 1 along each axis."""
    axes = [torch.linspace(-1, 1, side, device=x.device, dtype=x.dtype) for side in x.shape[-2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).expand(len(x), -1, -1, -1)
