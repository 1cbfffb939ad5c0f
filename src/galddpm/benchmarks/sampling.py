"""Network evaluations in sampling, against diffusers' pipeline at equal parameters."""

from collections.abc import Callable

import torch

from galddpm import build
from galddpm.benchmarks import peers
from galddpm.benchmarks.timing import take_turns
from galddpm.benchmarks.training import evaluation, fresh_denoiser, precisions, read_recipe
from galddpm.config.schema import Config
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.samplers import ddpm, evaluations

BATCH = {"cpu": 4, "cuda": 512}
STEPS = 20  # of a chain of 1,000 are timed; the rest are like them
TURNS = 3


def run(device: torch.device) -> dict[str, float]:
    config = read_recipe("paper")
    figures = {}
    for precision in precisions(device):
        contestants = {
            "ours": our_chain(config, device, precision),
            "diffusers": diffusers_chain(config, device, precision),
        }
        seconds = take_turns(contestants, device, turns=TURNS, warm_up=0)
        for name, value in seconds.items():
            figures[f"{precision}_{name}_seconds_per_evaluation"] = value / STEPS
        figures[f"{precision}_ratio_per_evaluation"] = seconds["diffusers"] / seconds["ours"]
    figures["ratio_per_evaluation"] = figures["fp32_ratio_per_evaluation"]
    return figures | recipes(device)


def our_chain(config: Config, device: torch.device, precision: str) -> Callable[[], object]:
    """The last steps of ancestral sampling, with each galaxy's own noise."""
    model = fresh_denoiser(config, device).eval()
    levels = build.make_schedule(config).levels(config.process.steps)[-STEPS - 1 :]
    batch, side = BATCH[device.type], config.data.image_size
    redshift = torch.rand(batch, device=device)

    def denoise(x: torch.Tensor, level: tuple[float, float]) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            image: torch.Tensor = model(x, level, redshift)
        return image

    def chain() -> torch.Tensor:
        noise = GalaxyNoise(0, range(batch), (len(config.data.bands), side, side), device)
        return ddpm(denoise, noise(), levels, noise)

    return torch.inference_mode()(chain)


def diffusers_chain(config: Config, device: torch.device, precision: str) -> Callable[[], object]:
    from diffusers import DDPMPipeline, DDPMScheduler

    network = peers.diffusers_network(config, device).eval()
    process = config.process
    scheduler = DDPMScheduler(process.steps, process.beta_start, process.beta_end, "linear")
    pipeline = DDPMPipeline(network, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    call = {"num_inference_steps": STEPS, "output_type": "np"}

    def chain() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            pipeline(batch_size=BATCH[device.type], **call)

    return chain


def recipes(device: torch.device) -> dict[str, float]:
    """Galaxies a second of each recipe, from one evaluation and the length of its chain."""
    figures: dict[str, float] = {}
    for name in ("paper", "galaxiesml"):
        config = read_recipe(name)
        evaluate = evaluation(config, BATCH[device.type], device)
        bf16 = build.uses_bf16(config.sampling.precision, device)

        def one(evaluate: Callable[[], object] = evaluate, bf16: bool = bf16) -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                evaluate()

        levels = build.make_schedule(config).levels(config.sampling.steps, config.sampling.spacing)
        chain = evaluations(config.sampling.sampler, levels)
        seconds = chain * take_turns({name: one}, device)[name]
        figures[f"{name}_evaluations"] = chain
        figures[f"{name}_galaxies_per_second"] = BATCH[device.type] / seconds
    return figures
