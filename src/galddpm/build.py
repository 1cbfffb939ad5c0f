"""The composition root: from a config to the objects it names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from galddpm.config.schema import AnyConfig, Config, RedshiftConfig
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling, fit_scaling
from galddpm.data.stream import BatchStream, sample_rows
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.objective import NoiseLevels, Objective
from galddpm.diffusion.samplers import SAMPLERS, sky_2m
from galddpm.diffusion.schedule import Level, Schedule
from galddpm.diffusion.sky_denoiser import Texture
from galddpm.diffusion.student import Student, follow, student_levels, student_losses
from galddpm.errors import UserError
from galddpm.evaluation.photoz.cnn import RedshiftCNN, predict, redshift_losses
from galddpm.evaluation.photoz.metrics import hsc_loss, scaled_error
from galddpm.networks.unet import UNet
from galddpm.training.checkpoint import Checkpoints
from galddpm.training.early_stopping import EarlyStopping
from galddpm.training.ema import Ema
from galddpm.training.learning_rate import learning_rate
from galddpm.training.loop import Loss, Plan, Trainer
from galddpm.training.muon import Muon

# sigma/alpha at which samplers leave off [sky sigma]: sky_2m is right about the sky from there on
LAST, LAST_OF_OTHERS = {"sky_2m": 0.4}, 0.12


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


def galaxy_file(config: AnyConfig, split: str) -> GalaxyFile:
    """One of the config's files, "training", "validation" or "testing". Raises UserError."""
    data = config.data
    left_out = data.leave_out if split == "training" else None
    galaxies = GalaxyFile(
        getattr(data, split),
        data.non_finite,
        len(data.bands),
        left_out,
        remedy="; data.non_finite: drop leaves such galaxies out",
    )
    side = (data.image_size, data.image_size)
    if galaxies.shape[2:] != side:
        found = "x".join(str(pixels) for pixels in galaxies.shape[2:])
        raise UserError(
            f"{galaxies.path}: image: found {found} pixels, data.image_size is {data.image_size}"
        )
    return galaxies


def scaling(config: AnyConfig, galaxies: GalaxyFile) -> Scaling:
    """Constants fitted to a fixed random sample of the training galaxies. Raises UserError."""
    rows = sample_rows(len(galaxies), config.scaling.sample, config.seed)
    flux = galaxies.images(rows)
    try:
        return fit_scaling(config.scaling.name, flux, config.scaling.softening)
    except ValueError as error:
        raise UserError(f"{galaxies.path}: image: {error}") from None


def schedule(config: Config) -> Schedule:
    """The noise schedule. Raises UserError where rounding makes levels of it alike."""
    process = config.process
    settings = (process.steps, process.beta_start, process.beta_end)
    try:
        return Schedule.linear(*settings, process.zero_terminal_snr)
    except ValueError:
        raise UserError(
            "process: with steps {}, beta_start {:g} and beta_end {:g} neighbouring noise levels"
            " are equal to rounding; expected fewer steps, or other betas".format(*settings)
        ) from None


def network(config: Config) -> UNet:
    return UNet(
        bands=len(config.data.bands),
        size=config.data.image_size,
        periods=(config.redshift.shortest, config.redshift.longest),
        bin_width=config.redshift.bin_width,
        **config.network.model_dump(),
    )


def texture(scaling: Scaling) -> Texture:
    return Texture(scaling.sky_sigma, scaling.sky_sigma_at, scaling.sky_neighbour)


def denoiser(config: Config, scaling: Scaling, device: torch.device) -> Denoiser:
    """A denoiser with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    net = network(config).to(device, memory_format=torch.channels_last)
    process = config.process
    known, sigma_data = None, scaling.sigma_data
    if process.sigma_data == "sky":
        sigma_data = scaling.sky_sigma
        known = texture(scaling) if process.prediction == "edm" else None
    return Denoiser(net, schedule(config), process.prediction, sigma_data, known).to(device)


def student(config: Config, scaling: Scaling, device: torch.device) -> Student:
    """A student with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    net = network(config).to(device, memory_format=torch.channels_last)
    sky = (scaling.sky_sigma, scaling.sky_neighbour)
    return Student(net, schedule(config), jumps(config, scaling), *sky).to(device)


def redshift_cnn(config: RedshiftConfig, device: torch.device) -> RedshiftCNN:
    """An estimator with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    network = config.network
    model = RedshiftCNN(len(config.data.bands), network.channels, network.features)
    return model.to(device, memory_format=torch.channels_last)


def model(config: AnyConfig, scaling: Scaling, device: torch.device) -> nn.Module:
    """What the config's task trains."""
    if isinstance(config, RedshiftConfig):
        return redshift_cnn(config, device)
    build = student if config.student else denoiser
    return build(config, scaling, device)


def loss(config: AnyConfig) -> Loss:
    """The loss of the config's task, and the values to report it against."""
    if isinstance(config, RedshiftConfig):
        return redshift_loss(config)
    return student_loss(config) if config.student else denoising_loss(config)


def redshift_loss(config: RedshiftConfig) -> Loss:
    def galaxy_losses(
        model: nn.Module, batch: tuple, generator: torch.Generator, done: float
    ) -> tuple:
        pixels, redshift = batch
        losses = redshift_losses(model(pixels), redshift, huber=done < config.loss.huber_share)
        return losses, {"redshift": redshift}

    return galaxy_losses


def early_stopping(
    config: RedshiftConfig, scaling: Scaling, device: torch.device, run: Path
) -> EarlyStopping:
    """Watches the HSC loss of the first galaxies of the validation file."""
    settings = config.early_stopping
    galaxies = galaxy_file(config, "validation")
    blocks = torch.arange(min(len(galaxies), settings.galaxies)).split(config.training.batch_size)

    def score(model: nn.Module) -> float:
        losses = []
        for block in blocks:
            rows = slice(int(block[0]), int(block[-1]) + 1)
            pixels = torch.from_numpy(scaling.encode(galaxies.images(rows))).to(device)
            estimated = predict(model, pixels)[0].cpu().numpy()
            dz = scaled_error(estimated=estimated, true=galaxies.redshift[rows])
            losses.append(hsc_loss(dz))
        return float(np.concatenate(losses).mean())

    patience = settings.patience * settings.check_every
    return EarlyStopping(score, patience, run / "checkpoints" / "best.safetensors")


def denoising_loss(config: Config) -> Loss:
    process = config.process
    levels = NoiseLevels(
        schedule(config), process.noise, process.log_sigma_mean, process.log_sigma_std
    )
    objective = Objective(
        levels, config.redshift.jitter, process.huber_delta, process.weighting, process.centre
    )

    def galaxy_losses(
        model: nn.Module, batch: tuple, generator: torch.Generator, done: float
    ) -> tuple:
        losses, t = objective(model, *batch, generator)
        return losses, {"t": t, "redshift": batch[1]}

    return galaxy_losses


def student_loss(config: Config) -> Loss:
    process = config.process

    def galaxy_losses(
        model: nn.Module, batch: tuple, generator: torch.Generator, done: float
    ) -> tuple:
        losses, t = student_losses(model, batch, process.huber_delta, process.centre)
        return losses, {"t": t, "redshift": batch[2]}

    return galaxy_losses


def stream(
    config: AnyConfig,
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
        rarity=config.data.rarity,
        symmetries=config.data.symmetries,
        device=device,
        cache_folder=run / "cache",
        progress=progress,
    )


def trainer(
    config: AnyConfig,
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
        inspect_every=inspect_every(config),
        **training.model_dump(
            include={"images", "batch_size", "clip", "log_every", "checkpoint_every"}
        ),
    )
    ema = Ema(model, training.ema_decay)
    if training.compile and device.type == "cuda":
        model.network.compile()
    checkpoints = Checkpoints(run / "checkpoints")
    steps = optimisers(config, model)
    return Trainer(model, ema, steps, loss(config), batches, plan, checkpoints, device)


def optimisers(config: AnyConfig, model: nn.Module) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the hidden matrices and AdamW for the others."""
    training = config.training
    settings = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimiser == "adamw":
        return [torch.optim.AdamW(model.parameters(), **settings, fused=True)]
    hidden = model.hidden_weights()
    known = {id(weight) for weight in hidden}
    others = [weight for weight in model.parameters() if id(weight) not in known]
    return [Muon(hidden, **settings), torch.optim.AdamW(others, **settings, fused=True)]


def inspect_every(config: AnyConfig) -> int | None:
    """Images between two looks at the model: at its previews, or at its loss on held-out data."""
    if isinstance(config, RedshiftConfig):
        return config.early_stopping.check_every
    return config.training.preview_every


def sampler(
    config: Config, scaling: Scaling, name: str | None, steps: int | None
) -> tuple[Callable, list[Level]]:
    """(sampler, levels) of the config, or of the given name and steps. Raises UserError."""
    settings = config.sampling
    if config.student:
        if name or steps:
            raise UserError("sampler, steps: a student has its own; leave them out")
        return follow, jumps(config, scaling)
    name, steps = name or settings.sampler, steps or settings.steps
    options = {
        "ddpm": {"variance": settings.variance},
        "ddim": {"eta": settings.eta},
        "sky_2m": {"texture": texture(scaling)},
    }
    return partial(SAMPLERS[name], **options.get(name, {})), levels(config, scaling, name, steps)


def teacher_solver(config: Config, scaling: Scaling) -> tuple[Callable, list[Level]]:
    """(sampler, levels) with which a student's teacher is solved."""
    steps = config.student.steps
    return partial(sky_2m, texture=texture(scaling)), levels(config, scaling, "sky_2m", steps)


def jumps(config: Config, scaling: Scaling) -> list[Level]:
    """The levels from one to the next of which a student jumps."""
    return student_levels(teacher_solver(config, scaling)[1], config.student.middle)


def levels(config: Config, scaling: Scaling, name: str, steps: int) -> list[Level]:
    """Noise levels of the config's spacing for a sampler. Raises UserError for more steps than
    there are, or ends in the wrong order."""
    settings = config.sampling
    if steps > config.process.steps:
        raise UserError(f"steps: found {steps}, the process has {config.process.steps}")
    last = settings.sigma_min or scaling.sky_sigma * LAST.get(name, LAST_OF_OTHERS)
    if last >= settings.sigma_max:
        raise UserError(
            f"sampling.sigma_max: found {settings.sigma_max:g}, expected more than {last:g}"
        )
    return schedule(config).levels(steps, settings.spacing, last, settings.sigma_max)
