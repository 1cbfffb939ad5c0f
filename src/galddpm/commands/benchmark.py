"""`python scripts/benchmark.py`: how fast, beside what a user would otherwise pick, in one run."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import torch

from galddpm import build, runs
from galddpm.commands.shell import Parser
from galddpm.config import Config, load_config
from galddpm.data.galaxiesml import GalaxyFile, write_galaxies
from galddpm.data.scaling import fit_scaling
from galddpm.data.stream import BatchStream
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.samplers import evaluations
from galddpm.errors import UserError
from galddpm.networks.blocks import AttentionBlock

CONFIGS = Path(__file__).parents[3] / "configs"
TURNS = 7  # of every contestant, one after the other, so that a slow moment hits all
BATCH = {"cpu": 8, "cuda": 128}
LOADER_GALAXIES, LOADER_BATCH = 2048, 128


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Measure speed beside that of other libraries, as ratios.")
    parser.add_argument("part", nargs="?", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--device", choices=["cpu", "cuda"], default=build.best_device().type)
    parser.add_argument("--out", metavar="FILE.json", help="also write the figures as JSON")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device, expected one")
    device = torch.device(options.device)
    chosen = PARTS if options.part == "all" else [options.part]
    figures = {name: PARTS[name](device) for name in chosen}
    for name, values in figures.items():
        for key, value in values.items():
            print(f"{name}.{key:42s} {value:12.4g}")
    if options.out:
        runs.write_json(options.out, {**figures, "provenance": runs.provenance(device=str(device))})


def loader(device: torch.device) -> dict[str, float]:
    """Batches of shuffled, scaled galaxies against opening the file for every item."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "galaxies.hdf5"
        image = rng.normal(0, 0.1, (LOADER_GALAXIES, 5, 64, 64)).astype(np.float32)
        write_galaxies(path, {"image": image, "specz_redshift": np.full(len(image), 0.5)})
        galaxies = GalaxyFile(path)
        scaling = fit_scaling("asinh", galaxies.images(slice(0, 256)))
        streams = {
            cache: BatchStream(galaxies, scaling, LOADER_BATCH, cache=cache, device=device)
            for cache in ("memory", "none")
        }
        counter = iter(range(10**9))

        def per_item() -> None:
            rows = streams["none"].rows(next(counter))
            items = [read_item(path, row) for row in rows]
            torch.stack([torch.from_numpy(scaling.encode(image)) for image, _ in items]).to(device)
            torch.tensor([redshift for _, redshift in items]).to(device)

        seconds = take_turns(
            {
                "per_item": per_item,
                **{
                    name: lambda stream=stream: stream(next(counter))
                    for name, stream in streams.items()
                },
            },
            device,
        )
    return {
        "memory_ratio": seconds["per_item"] / seconds["memory"],
        "disk_ratio": seconds["per_item"] / seconds["none"],
        **{f"{name}_images_per_second": LOADER_BATCH / value for name, value in seconds.items()},
    }


def read_item(path: Path, row: int) -> tuple[np.ndarray, float]:
    """One galaxy, the way the paper's notebooks read it: the file is opened for every item."""
    with h5py.File(path, "r") as file:
        return file["image"][row], file["specz_redshift"][row]


def train(device: torch.device) -> dict[str, float]:
    """Training steps of paper.yaml against diffusers' U-Net of equal size, and of the recipes."""
    batch = BATCH[device.type]
    config = load_config(CONFIGS / "paper.yaml", [f"training.batch_size={batch}"])
    figures = {}
    for precision in ("fp32", "bf16"):
        contestants = {
            "ours": training_step(config, device, precision),
            "diffusers": diffusers_step(config, device, precision),
        }
        seconds = take_turns(contestants, device)
        for name, value in seconds.items():
            figures[f"{precision}_{name}_images_per_second"] = batch / value
        figures[f"{precision}_ratio"] = seconds["diffusers"] / seconds["ours"]
    return figures | attention(config, device)


def attention(config: Config, device: torch.device) -> dict[str, float]:
    """A step with attention at 64 x 64 too, against the same network with nn.MultiheadAttention."""
    everywhere = {"attention": [64, *config.network.attention]}
    config = config.model_copy(update={"network": config.network.model_copy(update=everywhere)})
    contestants = {
        "fused": training_step(config, device, "fp32"),
        "multihead": training_step(config, device, "fp32", MultiheadAttentionBlock),
    }
    seconds = take_turns(contestants, device, turns=3)
    batch = config.training.batch_size
    return {
        "attention_64_fused_seconds_per_image": seconds["fused"] / batch,
        "attention_64_multihead_seconds_per_image": seconds["multihead"] / batch,
        "attention_64_ratio": seconds["multihead"] / seconds["fused"],
    }


def recipes(device: torch.device) -> dict[str, float]:
    """Images a second of the recipes for the real files, in training and in sampling.

    A chain of evaluations is timed on one of them and multiplied.
    """
    small = ["training.batch_size=8", "sampling.batch_size=8"] if device.type == "cpu" else []
    figures = {}
    for name in ("paper", "galaxiesml"):
        config = load_config(CONFIGS / f"{name}.yaml", small)
        contestants = {
            "train": training_step(config, device, config.training.precision),
            "sample": evaluation(config, device),
        }
        seconds = take_turns(contestants, device, turns=3)
        _, levels = build.sampler(config, None, None)
        chain = evaluations(config.sampling.sampler, levels) * seconds["sample"]
        figures[f"{name}_train_images_per_second"] = config.training.batch_size / seconds["train"]
        figures[f"{name}_sample_images_per_second"] = config.sampling.batch_size / chain
    return figures


def evaluation(config: Config, device: torch.device) -> Callable[[], None]:
    """One evaluation of the denoiser in sampling."""
    model = fresh_denoiser(config, device).eval()
    x = torch.randn(config.sampling.batch_size, 5, 64, 64, device=device)
    redshift = torch.rand(len(x), device=device)
    bf16 = build.uses_bf16(config.sampling.precision, device)

    def run() -> None:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            model(x, (0.6, 0.8), redshift)

    return run


class MultiheadAttentionBlock(torch.nn.Module):
    """Our attention block with torch's own layer, as the authors' code writes it."""

    def __init__(self, block: AttentionBlock):
        super().__init__()
        channels = block.out.in_features
        self.block = block
        self.layer = torch.nn.MultiheadAttention(channels, block.heads, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        normed = self.block.norm_attention(tokens)
        tokens = tokens + self.layer(normed, normed, normed)[0]
        hidden = torch.nn.functional.gelu(self.block.mlp_in(self.block.norm_mlp(tokens)))
        return (tokens + self.block.mlp_out(hidden)).transpose(1, 2).reshape(x.shape)


def training_step(
    config: Config, device: torch.device, precision: str, wrap: Callable | None = None
) -> Callable[[], None]:
    """A whole step of our loop: noise, forward, backward, clipping, optimiser, average."""
    settings = config.training.model_copy(update={"precision": precision})
    config = config.model_copy(update={"training": settings})
    model = fresh_denoiser(config, device)
    if wrap:
        for stage in (*model.network.down, model.network.middle, *model.network.up):
            if isinstance(stage.attention, AttentionBlock):
                stage.attention = wrap(stage.attention).to(device)
    pixels = torch.randn(config.training.batch_size, 5, 64, 64, device=device)
    redshift = torch.rand(len(pixels), device=device)
    batches = lambda step: (pixels, redshift)  # noqa: E731
    trainer = build.trainer(config, model, batches, device, Path("unused"))
    return trainer.train_step


def fresh_denoiser(config: Config, device: torch.device) -> Denoiser:
    flux = np.random.default_rng(0).normal(size=(8, len(config.data.bands), 64, 64))
    return build.denoiser(config, fit_scaling("raw", flux), device)


def diffusers_step(config: Config, device: torch.device, precision: str) -> Callable[[], None]:
    """The same step with diffusers' UNet2DModel, as its training example writes it."""
    from diffusers import DDPMScheduler, UNet2DModel

    plain, attending = ("DownBlock2D", "UpBlock2D"), ("AttnDownBlock2D", "AttnUpBlock2D")
    blocks = [plain, attending, attending, attending]
    model = UNet2DModel(
        sample_size=64,
        in_channels=5,
        out_channels=5,
        layers_per_block=2,
        block_out_channels=tuple(config.network.channels),
        down_block_types=tuple(down for down, _ in blocks),
        up_block_types=tuple(up for _, up in reversed(blocks)),
        norm_num_groups=16,
        attention_head_dim=64,
    ).to(device)
    ours = sum(p.numel() for p in build.network(config).parameters())
    theirs = sum(p.numel() for p in model.parameters())
    if abs(theirs / ours - 1) > 0.03:
        raise RuntimeError(f"the networks differ in size: {ours} and {theirs} parameters")
    if device.type == "cuda":
        model.compile()
    process = config.process
    scheduler = DDPMScheduler(process.steps, process.beta_start, process.beta_end, "linear")
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.training.learning_rate)
    pixels = torch.randn(config.training.batch_size, 5, 64, 64, device=device)

    def step() -> None:
        noise = torch.randn_like(pixels)
        t = torch.randint(0, process.steps, (len(pixels),), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            output = model(scheduler.add_noise(pixels, noise, t), t).sample
            loss = torch.nn.functional.huber_loss(output, noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.training.clip)
        optimiser.step()
        optimiser.zero_grad()

    return step


def take_turns(
    contestants: dict[str, Callable[[], object]], device: torch.device, turns: int = TURNS
) -> dict[str, float]:
    """Median seconds of each contestant, after two turns of warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns + 2):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


PARTS = {"loader": loader, "train": train, "recipes": recipes}
