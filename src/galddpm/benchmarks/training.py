"""Training steps: against other libraries, against the machine's limit, and with the data."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from galddpm import build
from galddpm.benchmarks import limit, peers
from galddpm.benchmarks.loading import noise_file
from galddpm.benchmarks.timing import take_turns
from galddpm.config.load import PACKAGED, load_config
from galddpm.config.schema import Config
from galddpm.data.scaling import fit_scaling
from galddpm.data.stream import BatchStream, GalaxyBatch
from galddpm.diffusion.denoiser import Denoiser
from galddpm.networks.blocks import AttentionBlock
from galddpm.networks.unet import UNet
from galddpm.tasks.denoising import Denoising

BATCH = {"cpu": 8, "cuda": 128}
DATA_GALAXIES, DATA_TURNS = 512, 5
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def run(device: torch.device) -> dict[str, float]:
    """paper.yaml's step against its peers and the limit; the recipe's; and what the data cost."""
    config = recipe("paper", device)
    figures = asked(config, "paper") | asked(recipe("galaxiesml", device), "galaxiesml")
    figures |= asked_by_diffusers(config)
    for precision in precisions(device):
        figures |= against_peers(config, device, precision)
        rate = figures["paper_step_operations"] * figures[f"{precision}_ours_images_per_second"]
        figures |= fraction_of_limit(config, device, precision, rate)
    figures["fraction_of_ceiling"] = figures[f"{precisions(device)[-1]}_fraction_of_ceiling"]
    step = training_step(config, device, "auto")
    step()
    kinds = limit.shares(step, device)
    figures |= {f"share_of_{kind.replace(' ', '_')}": share for kind, share in kinds}
    return figures | attention(config, device) | whole_recipe(device) | with_data(config, device)


def recipe(name: str, device: torch.device) -> Config:
    return read_recipe(name, [f"training.batch_size={BATCH[device.type]}"])


def read_recipe(name: str, settings: Sequence[str] = ()) -> Config:
    """One of the configs of a diffusion model, with settings."""
    config = load_config(PACKAGED / f"{name}.yaml", settings)
    assert isinstance(config, Config)
    return config


def precisions(device: torch.device) -> list[str]:
    """bfloat16 only where the processor multiplies in it."""
    return ["fp32", "bf16"] if build.uses_bf16("auto", device) else ["fp32"]


def asked(config: Config, name: str) -> dict[str, float]:
    """Operations and bytes of an image in a step, and of one evaluation in sampling."""
    batch = config.training.batch_size
    cpu = torch.device("cpu")
    evaluated = limit.work(lambda size: evaluation(config, size, cpu), batch)
    stepped = limit.work(lambda size: training_step(config, cpu, "fp32", size), batch)
    return {
        f"{name}_parameters": peers.parameters(build.make_network(config)),
        f"{name}_step_operations": stepped.operations / batch,
        f"{name}_step_bytes": stepped.bytes / batch,
        f"{name}_evaluation_operations": evaluated.operations / batch,
        f"{name}_evaluation_bytes": evaluated.bytes / batch,
    }


def asked_by_diffusers(config: Config) -> dict[str, float]:
    network, cpu = peers.diffusers_network(config, torch.device("cpu")), torch.device("cpu")

    def evaluated(size: int) -> Callable[[], object]:
        images, t, _ = _inputs(config, size, cpu)
        return torch.inference_mode()(lambda: network(images, t))

    batch = config.training.batch_size
    return {
        "diffusers_parameters": peers.parameters(network),
        "diffusers_evaluation_operations": limit.work(evaluated, batch).operations / batch,
    }


def against_peers(config: Config, device: torch.device, precision: str) -> dict[str, float]:
    bf16 = precision == "bf16"
    diffusers = peers.diffusers_network(config, device)
    contestants = {
        "ours": training_step(config, device, precision),
        "diffusers": peers.training_step(
            config, lambda x, t: diffusers(x, t).sample, diffusers, device, bf16
        ),
    }
    if device.type == "cuda":
        other = peers.lucidrains_network(config, device)
        contestants["lucidrains"] = peers.training_step(config, other, other, device, bf16)
    seconds = take_turns(contestants, device)
    batch = config.training.batch_size
    figures = {f"{precision}_{name}_images_per_second": batch / s for name, s in seconds.items()}
    figures[f"{precision}_ratio"] = seconds["diffusers"] / seconds["ours"]
    if "lucidrains" in seconds:
        figures[f"{precision}_lucidrains_ratio"] = seconds["lucidrains"] / seconds["ours"]
    return figures


def fraction_of_limit(
    config: Config, device: torch.device, precision: str, rate: float
) -> dict[str, float]:
    """rate: operations a second that were reached."""
    network = build.channels_last(build.make_network(config), device)
    x = _inputs(config, config.training.batch_size, device)[0]
    ceilings = limit.ceilings(network, x, device, DTYPES[precision])
    figures = {f"{precision}_{name}_per_second": value for name, value in ceilings.items()}
    figures[f"{precision}_operations_per_second"] = rate
    figures[f"{precision}_fraction_of_ceiling"] = rate / max(ceilings.values())
    training = rate / ceilings["convolution_training"]
    return figures | {f"{precision}_fraction_of_convolution_training": training}


def attention(config: Config, device: torch.device) -> dict[str, float]:
    """A step with attention at 64 x 64 too, against the same network with nn.MultiheadAttention."""
    everywhere = {"attention": [64, *config.network.attention]}
    config = config.model_copy(update={"network": config.network.model_copy(update=everywhere)})
    batch = config.training.batch_size // 4  # its matrices are large
    contestants = {
        "fused": training_step(config, device, "fp32", batch),
        "multihead": training_step(config, device, "fp32", batch, peers.MultiheadAttention),
    }
    seconds = take_turns(contestants, device, turns=3, warm_up=1)
    return {"attention_64_ratio": seconds["multihead"] / seconds["fused"]}


def whole_recipe(device: torch.device) -> dict[str, float]:
    config = recipe("galaxiesml", device)
    step = training_step(config, device, config.training.precision)
    seconds = take_turns({"step": step}, device, turns=5)["step"]
    return {"galaxiesml_images_per_second": config.training.batch_size / seconds}


def with_data(config: Config, device: torch.device) -> dict[str, float]:
    """Steps that read their batches from a file, over steps on one batch that stays in place."""
    with noise_file(DATA_GALAXIES) as galaxies:
        scaling = fit_scaling("asinh", galaxies.images(slice(0, 256)))
        contestants = {"resident": training_step(config, device, "auto")}
        for cache in ("device", "memory", "memory_map", "none"):
            stream = BatchStream(
                galaxies,
                scaling,
                config.training.batch_size,
                cache=cache,
                device=device,
                cache_folder=galaxies.path.parent,
                symmetries=True,
            )
            contestants[cache] = training_step(config, device, "auto", batches=stream)
        seconds = take_turns(contestants, device, turns=DATA_TURNS)
    resident = seconds.pop("resident")
    return {f"data_from_{cache}_ratio": value / resident for cache, value in seconds.items()}


def training_step(
    config: Config,
    device: torch.device,
    precision: str,
    batch_size: int | None = None,
    wrap: Callable[[AttentionBlock], nn.Module] | None = None,
    batches: Callable[[int], GalaxyBatch] | None = None,
) -> Callable[[], object]:
    """A whole step of our loop: noise, forward, backward, clipping, optimiser, average."""
    changes = {"precision": precision, "batch_size": batch_size or config.training.batch_size}
    training = config.training.model_copy(update=changes)
    config = config.model_copy(update={"training": training})
    model = fresh_denoiser(config, device)
    if wrap:
        network = cast(UNet, model.network)
        for stage in (*network.down, network.middle, *network.up):
            if isinstance(stage.attention, AttentionBlock):
                stage.attention = wrap(stage.attention).to(device)
    pixels, _, redshift = _inputs(config, training.batch_size, device)
    batches = batches or (lambda step: GalaxyBatch(pixels, redshift))
    losses, nowhere = Denoising(config).losses, Path("unused")
    return build.make_trainer(config, model, losses, batches, device, nowhere).train_step


def evaluation(config: Config, batch: int, device: torch.device) -> Callable[[], object]:
    """One evaluation of the denoiser, as in sampling."""
    model = fresh_denoiser(config, device).eval()
    x, _, redshift = _inputs(config, batch, device)
    return torch.inference_mode()(lambda: model(x, (0.6, 0.8), redshift))


def fresh_denoiser(config: Config, device: torch.device) -> Denoiser:
    side = config.data.image_size
    flux = np.random.default_rng(0).normal(size=(8, len(config.data.bands), side, side))
    return build.make_denoiser(config, fit_scaling("asinh", flux), device)


def _inputs(config: Config, batch: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """(images, t, redshift) of random numbers."""
    side = config.data.image_size
    images = torch.randn(batch, len(config.data.bands), side, side, device=device)
    return images, *torch.rand(2, batch, device=device)
