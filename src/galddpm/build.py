"""The composition root: from a config to the objects it names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from galddpm.config import Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling, fit_scaling
from galddpm.data.stream import BatchStream, sample_rows
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.objective import NoiseLevels, Objective
from galddpm.diffusion.samplers import SAMPLERS
from galddpm.diffusion.schedule import Level, Schedule
from galddpm.errors import UserError
from galddpm.networks.unet import UNet
from galddpm.training.checkpoint import Checkpoints
from galddpm.training.ema import Ema
from galddpm.training.learning_rate import learning_rate
from galddpm.training.loop import Loss, Plan, Trainer


def best_device() -> torch.device:
    """The CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bfloat16; "auto" does where the processor multiplies in it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def galaxy_file(config: Config, split: str) -> GalaxyFile:
    """One of the config's files, "training", "validation" or "testing". Raises UserError."""
    data = config.data
    galaxies = GalaxyFile(getattr(data, split), data.non_finite, bands=len(data.bands))
    side = (data.image_size, data.image_size)
    if galaxies.shape[2:] != side:
        found = "x".join(str(pixels) for pixels in galaxies.shape[2:])
        raise UserError(
            f"{galaxies.path}: image: found {found} pixels, data.image_size is {data.image_size}"
        )
    return galaxies


def scaling(config: Config, galaxies: GalaxyFile) -> Scaling:
    """Constants fitted to a fixed random sample of the training galaxies. Raises UserError."""
    rows = sample_rows(len(galaxies), config.scaling.sample, config.seed)
    try:
        return fit_scaling(config.scaling.name, galaxies.images(rows), config.scaling.softening)
    except ValueError as error:
        raise UserError(f"{galaxies.path}: image: {error}") from None


def schedule(config: Config) -> Schedule:
    process = config.process
    return Schedule.linear(
        process.steps, process.beta_start, process.beta_end, process.zero_terminal_snr
    )


def network(config: Config) -> UNet:
    return UNet(
        bands=len(config.data.bands),
        size=config.data.image_size,
        periods=(config.redshift.shortest, config.redshift.longest),
        **config.network.model_dump(),
    )


def denoiser(config: Config, scaling: Scaling, device: torch.device) -> Denoiser:
    """A denoiser with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    net = network(config).to(device, memory_format=torch.channels_last)
    spread = {"images": scaling.sigma_data, "sky": scaling.sky_sigma}[config.process.sigma_data]
    return Denoiser(net, schedule(config), config.process.prediction, spread)


def loss(config: Config) -> Loss:
    """The denoising loss, and the t and redshifts to report it against."""
    process = config.process
    levels = NoiseLevels(
        schedule(config), process.noise, process.log_sigma_mean, process.log_sigma_std
    )
    objective = Objective(levels, config.redshift.jitter, process.huber_delta)

    def galaxy_losses(model: nn.Module, batch: tuple, generator: torch.Generator) -> tuple:
        losses, t = objective(model, *batch, generator)
        return losses, {"t": t, "redshift": batch[1]}

    return galaxy_losses


def stream(
    config: Config,
    galaxies: GalaxyFile,
    pixel_scaling: Scaling,
    device: torch.device,
    run: Path,
    progress: Callable = iter,
) -> BatchStream:
    return BatchStream(
        galaxies,
        pixel_scaling,
        config.training.batch_size,
        seed=config.seed,
        cache=config.data.cache,
        symmetries=config.data.symmetries,
        device=device,
        cache_folder=run / "cache",
        progress=progress,
    )


def trainer(
    config: Config,
    model: nn.Module,
    batches: Callable[[int], tuple],
    device: torch.device,
    run: Path,
) -> Trainer:
    training = config.training
    plan = Plan(
        rate=partial(
            learning_rate,
            peak=training.learning_rate,
            warm_up=training.warm_up,
            images=training.images,
            decay=training.decay,
        ),
        seed=config.seed,
        bf16=uses_bf16(training.precision, device),
        **training.model_dump(
            include={
                "images",
                "batch_size",
                "clip",
                "log_every",
                "checkpoint_every",
                "preview_every",
            }
        ),
    )
    ema = Ema(model, training.ema_decay)
    if training.compile and device.type == "cuda":
        model.network.compile()
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
        fused=True,
    )
    checkpoints = Checkpoints(run / "checkpoints")
    return Trainer(model, ema, optimiser, loss(config), batches, plan, checkpoints, device)


def sampler(config: Config, name: str | None, steps: int | None) -> tuple[Callable, list[Level]]:
    """(sampler, levels) of the config, or of the given name and steps. Raises UserError."""
    settings = config.sampling
    name, steps = name or settings.sampler, steps or settings.steps
    if steps > config.process.steps:
        raise UserError(f"steps: found {steps}, the process has {config.process.steps}")
    options = {"ddpm": {"variance": settings.variance}, "ddim": {"eta": settings.eta}}
    levels = schedule(config).levels(
        steps, settings.spacing, settings.sigma_min, settings.sigma_max
    )
    return partial(SAMPLERS[name], **options.get(name, {})), levels
