"""The composition root: from a config to the objects it names."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from galddpm.config.schema import AnyConfig, Config, RedshiftConfig
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.scaling import Scaling, fit_scaling
from galddpm.data.stream import BatchStream, sample_rows
from galddpm.devices import compile_where_possible, free_memory
from galddpm.diffusion.denoiser import Denoiser, LightDenoiser
from galddpm.diffusion.light import SkyNoise, ending_in_light
from galddpm.diffusion.samplers import SAMPLERS, Sampler
from galddpm.diffusion.schedule import Level, Schedule
from galddpm.diffusion.student import Student, sample_student, student_levels
from galddpm.errors import UserError, require_whole
from galddpm.evaluation.photoz.cnn import RedshiftCNN
from galddpm.networks.unet import UNet
from galddpm.training.checkpoint import Checkpoints
from galddpm.training.ema import Ema
from galddpm.training.learning_rate import learning_rate
from galddpm.training.loop import Loss, Plan, Trainer
from galddpm.training.muon import Muon

Trained = Denoiser | Student | RedshiftCNN
Module = TypeVar("Module", bound=nn.Module)

CACHED = 0.5  # most of a GPU's free memory that galaxies may take: a step of galaxiesml.yaml needs
# 15 GB beside 17 GB of them
LAST = {"image": 0.12, "light": 1.5}  # sigma/alpha of the last level, by ending [sky sigma]


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bfloat16; "auto" does where the processor multiplies in it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return False
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def channels_last(network: Module, device: torch.device) -> Module:
    """A network on the device, in the memory layout in which convolutions are fastest."""
    # torch's types lack memory_format
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def make_galaxy_file(config: AnyConfig, split: str) -> GalaxyFile:
    """One of the config's files, "training", "validation" or "testing". Raises UserError."""
    data = config.data
    path = Path(getattr(data, split))
    if not path.exists():
        raise UserError(
            f"{path}: no such file, expected the galaxies of data.{split}; `galddpm data mock`"
            " makes mock galaxies, and `galddpm data download` fetches the real ones"
        )
    galaxies = GalaxyFile(
        path,
        data.non_finite,
        len(data.bands),
        leave_out=data.leave_out if split == "training" else None,
        remedy="; data.non_finite: drop leaves such galaxies out",
    )
    if galaxies.band_names and galaxies.band_names != tuple(data.bands):
        found, expected = ", ".join(galaxies.band_names), ", ".join(data.bands)
        raise UserError(f"{galaxies.path}: bands: found {found}, data.bands is {expected}")
    side = (data.image_size, data.image_size)
    if galaxies.shape[2:] != side:
        found = "x".join(str(pixels) for pixels in galaxies.shape[2:])
        raise UserError(
            f"{galaxies.path}: image: found {found} pixels, data.image_size is {data.image_size}"
        )
    return galaxies


def make_scaling(config: AnyConfig, galaxies: GalaxyFile) -> Scaling:
    """Constants fitted to a fixed random sample of the training galaxies. Raises UserError."""
    rows = sample_rows(len(galaxies), config.scaling.sample, config.seed)
    flux = galaxies.images(rows)
    try:
        return fit_scaling(config.scaling.name, flux, config.scaling.softening)
    except ValueError as error:
        raise UserError(f"{galaxies.path}: image: {error}") from None


def make_stream(
    config: AnyConfig,
    galaxies: GalaxyFile,
    scaling: Scaling,
    device: torch.device,
    run: Path,
    progress: Callable[..., Any] = iter,
) -> BatchStream:
    """The training batches of a run folder. Raises UserError for a cache on a GPU without one, and
    warns of one that leaves the GPU too little to train in, which is then the host's memory."""
    cache = config.data.cache
    if cache == "device" and device.type == "cpu":
        raise UserError(
            "data.cache: found device, which is the memory of a GPU, and this run computes on the"
            " CPU; expected memory, or memory_map where the galaxies do not fit into it"
        )
    if cache == "device" and 4 * math.prod(galaxies.shape) > CACHED * free_memory(device):
        warnings.warn(
            "data.cache: the galaxies would take more than half of what is free on the GPU, and"
            " leave too little to train in; the host's memory holds them",
            stacklevel=2,
        )
        cache = "memory"
    return BatchStream(
        galaxies,
        scaling,
        config.training.batch_size,
        seed=config.seed,
        cache=cache,
        rare_redshift_power=config.data.rare_redshift_power,
        symmetries=config.data.symmetries,
        device=device,
        cache_folder=run / "cache",
        progress=progress,
        conditions=list(config.conditions.columns) if isinstance(config, Config) else (),
    )


def make_schedule(config: Config) -> Schedule:
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


def make_network(config: Config) -> UNet:
    """The U-Net with weights from torch's generator."""
    means = len(config.network.means)
    return UNet(
        bands=len(config.data.bands),
        size=config.data.image_size,
        periods=(config.redshift.shortest, config.redshift.longest),
        bin_width=config.redshift.bin_width,
        ranges=list(config.conditions.columns.values()),
        trusts=1 + means if means else 0,
        **config.network.model_dump(exclude={"means"}),
    )


def make_sky_noise(scaling: Scaling) -> SkyNoise:
    """What the scaling knows of the noise that images have of their own."""
    return SkyNoise(scaling.sky_sigma, scaling.sky_sigma_at, scaling.sky_correlation)


def make_denoiser(config: Config, scaling: Scaling, device: torch.device) -> Denoiser:
    """A denoiser with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    network = channels_last(make_network(config), device)
    schedule, prediction = make_schedule(config), config.process.prediction
    if prediction == "light":
        light = make_sky_noise(scaling), scaling.sigma_data, config.network.means
        return LightDenoiser(network, schedule, *light).to(device)
    return Denoiser(network, schedule, prediction, scaling.sigma_data).to(device)


def make_student(config: Config, scaling: Scaling, device: torch.device) -> Student:
    """A student with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    network = channels_last(make_network(config), device)
    levels = make_student_levels(config, scaling)
    light = make_sky_noise(scaling), scaling.sigma_data, config.network.means
    return Student(network, make_schedule(config), levels, *light).to(device)


def make_galaxy_model(config: Config, scaling: Scaling, device: torch.device) -> Denoiser | Student:
    """The model that makes galaxies: a denoiser, or the student of one."""
    make = make_student if config.distillation else make_denoiser
    return make(config, scaling, device)


def make_redshift_cnn(config: RedshiftConfig, device: torch.device) -> RedshiftCNN:
    """An estimator with fresh weights drawn from the config's seed."""
    torch.manual_seed(config.seed)
    network = config.network
    model = RedshiftCNN(len(config.data.bands), network.channels, network.features)
    return channels_last(model, device)


def make_trainer(
    config: AnyConfig,
    model: Trained,
    loss: Loss,
    batches: Callable[[int], Any],
    device: torch.device,
    run: Path,
    inspect_every: int | None = None,
) -> Trainer:
    """The loop for a model in a run folder; inspect_every: images between two looks at it."""
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
        inspect_every=inspect_every,
        images=training.images,
        batch_size=training.batch_size,
        clip=training.clip,
        log_every=training.log_every,
        checkpoint_every=training.checkpoint_every,
    )
    ema = Ema(model, training.ema_decay)
    if training.compile and device.type == "cuda":
        compile_where_possible(model.network)
    optimisers = make_optimisers(config, model)
    checkpoints = Checkpoints(run / "checkpoints")
    return Trainer(model, ema, optimisers, loss, batches, plan, checkpoints, device)


def make_optimisers(config: AnyConfig, model: Trained) -> list[Optimizer]:
    """AdamW for all weights, or Muon for the hidden matrices and AdamW for the others."""
    training = config.training
    settings: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimiser == "adamw":
        return [AdamW(model.parameters(), **settings, fused=True)]
    hidden = model.hidden_weights()
    known = {id(weight) for weight in hidden}
    others = [weight for weight in model.parameters() if id(weight) not in known]
    return [Muon(hidden, **settings), AdamW(others, **settings, fused=True)]


def make_sampler(
    config: Config, scaling: Scaling, name: str | None = None, steps: int | None = None
) -> tuple[Sampler, list[Level]]:
    """(sampler, levels) of the config, or of the given name and steps. Raises UserError."""
    settings = config.sampling
    if config.distillation:
        if name is not None or steps is not None:
            raise UserError("sampler, steps: a student has its own; leave them out")
        return sample_student, make_student_levels(config, scaling)
    name = settings.sampler if name is None else name
    steps = settings.steps if steps is None else steps
    if name not in SAMPLERS:
        raise UserError(f"sampler: found {name!r}, expected one of {', '.join(SAMPLERS)}")
    options: dict[str, dict[str, Any]] = {
        "ddpm": {"variance": settings.variance},
        "ddim": {"eta": settings.eta},
    }
    sampler: Sampler = partial(SAMPLERS[name], **options.get(name, {}))
    if settings.ending == "light":
        sampler = ending_in_light(sampler, make_sky_noise(scaling))
    return sampler, make_levels(config, scaling, steps)


def make_teacher_solver(config: Config, scaling: Scaling) -> tuple[Sampler, list[Level]]:
    """(sampler, levels) with which the teacher of a student's config is solved."""
    assert config.distillation is not None  # there is a student to teach
    taught = config.model_copy(update={"distillation": None})
    return make_sampler(taught, scaling, steps=config.distillation.steps)


def make_student_levels(config: Config, scaling: Scaling) -> list[Level]:
    """The noise levels at which a student is evaluated, and the image."""
    assert config.distillation is not None  # there is a student
    _, levels = make_teacher_solver(config, scaling)
    return student_levels(levels, config.distillation.intermediate_sigmas)


def make_levels(config: Config, scaling: Scaling, steps: int) -> list[Level]:
    """Noise levels of the config's spacing and ending. Raises UserError for no steps, more than
    the process has, or ends in the wrong order."""
    settings = config.sampling
    steps = require_whole("steps", steps, 1, config.process.steps)
    last = settings.sigma_min or scaling.sky_sigma * LAST[settings.ending]
    if last >= settings.sigma_max:
        raise UserError(
            f"sampling.sigma_max: found {settings.sigma_max:g}, expected more than {last:g}"
        )
    levels = make_schedule(config).levels(steps, settings.spacing, last, settings.sigma_max)
    if settings.ending == "light":
        _require_noise(levels[-2], scaling.sky_sigma, settings.spacing)
    return levels


def _require_noise(level: Level, sky_sigma: float, spacing: str) -> None:
    """Raise UserError for a level with less noise than images have of their own: no network has
    learned light there."""
    noise = level[1] / level[0] / sky_sigma if level[0] else math.inf
    if noise < 1 - 1e-6:
        raise UserError(
            f"sampling: with spacing {spacing} the last noise level is {noise:.2g} times the sky's"
            " noise, and light is known from 1 on; spacing karras ends at 1.5, or at sigma_min"
        )
