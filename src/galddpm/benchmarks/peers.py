"""What a user would otherwise pick, used as its own examples use it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import torch
from torch import nn

from galddpm import build
from galddpm.arrays import Floats
from galddpm.config.schema import Config
from galddpm.networks.blocks import AttentionBlock

MOST_APART = 0.03  # by how much networks that are compared may differ in parameters


def read_item(path: Path, row: int) -> tuple[Floats, float]:
    """One galaxy, the way the paper's notebooks read it: the file is opened for every item."""
    with h5py.File(path, "r") as file:
        return file["image"][row], file["specz_redshift"][row]


def diffusers_network(config: Config, device: torch.device) -> nn.Module:
    """UNet2DModel with the widths and the attention of paper.yaml."""
    from diffusers import UNet2DModel

    plain, attending = ("DownBlock2D", "UpBlock2D"), ("AttnDownBlock2D", "AttnUpBlock2D")
    blocks = [plain, attending, attending, attending]
    model = UNet2DModel(
        sample_size=config.data.image_size,
        in_channels=len(config.data.bands),
        out_channels=len(config.data.bands),
        layers_per_block=config.network.blocks,
        block_out_channels=tuple(config.network.channels),
        down_block_types=tuple(down for down, _ in blocks),
        up_block_types=tuple(up for _, up in reversed(blocks)),
        norm_num_groups=16,
        attention_head_dim=64,
    )
    _refuse_unequal(config, model)
    network: nn.Module = model.to(device)
    return network


class RedshiftUNet(nn.Module):
    """UNet2DModel that is told redshifts in place of classes, as ours is called.

    channels: of its levels, each at half the resolution of the one before; attention: the side at
    which it attends [pixel].
    """

    def __init__(self, config: Config, channels: Sequence[int], attention: int):
        super().__init__()
        from diffusers import UNet2DModel

        sides = [config.data.image_size >> level for level in range(len(channels))]
        kinds = ["Attn" if side == attention else "" for side in sides]
        bands = len(config.data.bands)
        self.network = UNet2DModel(
            sample_size=config.data.image_size,
            in_channels=bands,
            out_channels=bands,
            layers_per_block=config.network.blocks,
            block_out_channels=tuple(channels),
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            norm_num_groups=16,
            attention_head_dim=16,
            class_embed_type="timestep",
        )
        _refuse_unequal(config, self.network)

    def hidden_weights(self) -> list[nn.Parameter]:
        """The matrices of its blocks."""
        blocks = (self.network.down_blocks, self.network.mid_block, self.network.up_blocks)
        return [weight for part in blocks for weight in part.parameters() if weight.ndim > 1]

    def forward(self, x: torch.Tensor, t: torch.Tensor, redshift: torch.Tensor) -> torch.Tensor:
        """Redshifts are spread over as many steps as noise levels are."""
        out: torch.Tensor = self.network(x, t, class_labels=250 * redshift).sample
        return out


def lucidrains_network(config: Config, device: torch.device) -> nn.Module:
    """The U-Net of denoising-diffusion-pytorch, with fused attention at the same resolutions."""
    from denoising_diffusion_pytorch import Unet

    model = Unet(
        dim=56,
        dim_mults=(1, 2, 4, 8),
        channels=len(config.data.bands),
        full_attn=(False, True, True, True),
        attn_dim_head=24,
        flash_attn=True,
    )
    _refuse_unequal(config, model)
    network: nn.Module = model.to(device)
    return network


def _refuse_unequal(config: Config, model: nn.Module) -> None:
    ours, theirs = parameters(build.make_network(config)), parameters(model)
    if abs(theirs / ours - 1) > MOST_APART:
        raise RuntimeError(f"the networks differ in size: {ours} and {theirs} parameters")


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def training_step(
    config: Config,
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    model: nn.Module,
    device: torch.device,
    bf16: bool,
) -> Callable[[], None]:
    """A step as diffusers' training example writes it, with the paper's loss and clipping.

    predict: (noised images, t) -> noise.
    """
    from diffusers import DDPMScheduler

    process = config.process
    scheduler = DDPMScheduler(process.steps, process.beta_start, process.beta_end, "linear")
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.training.learning_rate)
    side = config.data.image_size
    shape = (config.training.batch_size, len(config.data.bands), side, side)
    pixels = torch.randn(shape, device=device)
    if device.type == "cuda":
        model.compile()

    def step() -> None:
        noise = torch.randn_like(pixels)
        t = torch.randint(0, process.steps, (len(pixels),), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            output = predict(scheduler.add_noise(pixels, noise, t), t)
            loss = nn.functional.huber_loss(output, noise)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.training.clip)
        optimiser.step()
        optimiser.zero_grad()

    return step


class MultiheadAttention(nn.Module):
    """Our attention block with torch's own layer, as the authors' code writes it."""

    def __init__(self, block: AttentionBlock):
        super().__init__()
        self.block = block
        self.layer = nn.MultiheadAttention(block.out.in_channels, block.heads, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.block.norm_attention(x).flatten(2).transpose(1, 2)
        attended = self.layer(tokens, tokens, tokens)[0]
        x = x + attended.transpose(1, 2).reshape(x.shape)
        hidden = nn.functional.gelu(self.block.mlp_in(self.block.norm_mlp(x)))
        out: torch.Tensor = x + self.block.mlp_out(hidden)
        return out
