"""Where models are computed: what is there, what is refused, and a device without float64."""

import copy
import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import galddpm
from galddpm import build, devices
from galddpm.config.load import parse_config
from galddpm.data.stream import GalaxyBatch
from galddpm.diffusion.denoiser import Denoiser
from galddpm.errors import UserError
from galddpm.evaluation.photoz.cnn import predict
from galddpm.inference.generator import Generator
from galddpm.inference.model_file import save_model
from galddpm.inference.photoz import Estimator
from galddpm.tasks.denoising import Denoising
from helpers.models import SCALING, awake

CPU = torch.device("cpu")
DIFFUSION = {
    "data": {"training": "a", "validation": "b", "testing": "c", "bands": ["g", "r"]}
    | {"image_size": 16, "cache": "device"},
    "process": {"prediction": "light", "level_distribution": "log_normal"}
    | {"zero_terminal_snr": True, "weighting": "equal"},
    "network": {"channels": [8], "bottleneck": 8, "blocks": 1, "attention": [], "embedding": 16},
    "training": {"images": 100, "precision": "fp32"},
    "sampling": {"ending": "light", "sampler": "dpmpp_2m", "steps": 4, "spacing": "karras"},
}
REDSHIFT = {
    "task": "redshift",
    "data": DIFFUSION["data"],
    "network": {"channels": [8], "features": 4},
    "training": {"images": 100},
    "early_stopping": {"check_every": 10},
}
DATA = torch.Generator().manual_seed(0)
PIXELS, REDSHIFTS = torch.randn(6, 2, 16, 16, generator=DATA), torch.rand(6, generator=DATA)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_best_device_and_those_that_are_named(two_gpus):
    assert devices.device_names() == ["cpu", "cuda", "cuda:0", "cuda:1"]
    assert devices.select_device(None) == torch.device("cuda")
    assert devices.select_device("cuda:1") == torch.device("cuda", 1)
    assert devices.select_device(CPU) == CPU


def test_an_apple_gpu_is_taken_only_when_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.select_device(None) == CPU
    assert devices.select_device("mps") == torch.device("mps")


@pytest.mark.parametrize("name", ["cuda:2", "mps", "gpu", "cuda:-1", ""])
def test_a_device_that_is_not_there_is_refused(two_gpus, name):
    there = "this machine has cpu, cuda, cuda:0, cuda:1$"
    with pytest.raises(UserError, match=f"^device: found {name}, {there}"):
        devices.select_device(name)


def test_the_memory_of_this_process_is_known():
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 1e8 < devices.host_memory() < installed  # torch alone takes more
    assert devices.gpu_memory(CPU) == 0


def test_models_are_loaded_on_the_device_asked_for(tmp_path):
    diffusion, redshift = parse_config(DIFFUSION, "here"), parse_config(REDSHIFT, "here")
    made = build.make_denoiser(diffusion, SCALING, CPU), build.make_redshift_cnn(redshift, CPU)
    for name, config, model in zip("ab", (diffusion, redshift), made, strict=True):
        save_model(tmp_path / name, config, SCALING, [0.1, 1.0], copy.deepcopy(model), model)
    assert galddpm.load(tmp_path / "a", device="cpu").device == CPU
    assert Generator.load(tmp_path / "a", device=CPU).device == CPU
    assert Estimator.load(tmp_path / "b", device="cpu").device == CPU
    for load, name in ((galddpm.load, "a"), (Generator.load, "a"), (Estimator.load, "b")):
        with pytest.raises(UserError, match="device: found cuda:99"):
            load(tmp_path / name, device="cuda:99")


def test_a_cache_on_a_gpu_that_is_not_used_is_refused(tmp_path):
    config = parse_config(DIFFUSION, "here")
    with pytest.raises(UserError, match=r"^data.cache: found device.*expected memory"):
        build.make_stream(config, None, SCALING, CPU, tmp_path)


class WithoutFloat64(TorchDispatchMode):
    """Refuses what an Apple GPU refuses, once NumPy has handed it over."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.lift_fresh.default:
            return out
        for tensor in out if isinstance(out, tuple | list) else (out,):
            assert not (isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64), func
        return out


def losses_and_galaxies():
    """What training and sampling compute, on the same random numbers as far as they are single."""
    config = parse_config(DIFFUSION, "here")
    task = Denoising(config)
    denoiser = awake(build.make_denoiser(config, SCALING, CPU))
    assert isinstance(denoiser, Denoiser)
    batch = (PIXELS, REDSHIFTS)
    losses, _ = task.losses(denoiser, GalaxyBatch(*batch), torch.Generator(), 0.0)
    losses.mean().backward()
    galaxies = Generator(config, SCALING, denoiser, [0.0, 1.0]).sample(REDSHIFTS.numpy())
    cnn = awake(build.make_redshift_cnn(parse_config(REDSHIFT, "here"), CPU))
    return losses, galaxies, predict(cnn, PIXELS)[0]


def test_nothing_needs_float64_where_a_device_lacks_it(monkeypatch):
    _, galaxies, estimates = losses_and_galaxies()
    for room in ("diffusion.schedule", "diffusion.objective", "diffusion.process"):
        monkeypatch.setattr(f"galddpm.{room}.widest_float", lambda device: torch.float32)
    monkeypatch.setattr("galddpm.evaluation.photoz.cnn.widest_float", lambda device: torch.float32)
    with WithoutFloat64():
        losses, single, estimated = losses_and_galaxies()
    assert torch.isfinite(losses).all()
    np.testing.assert_allclose(single, galaxies, atol=1e-4 * np.abs(galaxies).max())
    torch.testing.assert_close(estimated.double(), estimates.double(), rtol=1e-5, atol=1e-5)


def test_without_a_c_compiler_a_network_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    compiled = []
    network = torch.nn.Identity()
    monkeypatch.setattr(network, "compile", lambda: compiled.append(network))
    with pytest.warns(UserWarning, match="no C compiler .cc, gcc or clang. is found"):
        devices.compile_where_possible(network)
    assert not compiled
    (tmp_path / "gcc").touch(0o755)
    devices.compile_where_possible(network)
    assert compiled == [network]
    monkeypatch.setenv("CC", "mycc")
    with pytest.warns(UserWarning, match="no C compiler .mycc. is found"):
        devices.compile_where_possible(network)


def test_bfloat16_is_taken_only_where_the_gpu_multiplies_in_it(monkeypatch):
    asked = []

    def supported(including_emulation=True):
        asked.append(including_emulation)
        return including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert not build.uses_bf16("auto", torch.device("cuda"))
    assert build.uses_bf16("bf16", torch.device("cuda"))
    assert asked == [False]


def test_torch_is_deterministic_where_it_is_wanted_and_as_before_after_it(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with devices.deterministic(False):
        assert not torch.are_deterministic_algorithms_enabled()
    with devices.deterministic(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("free", "cache"), [(24e9, "memory"), (39e9, "device")])
def test_galaxies_are_kept_on_a_gpu_that_has_room_to_train_beside_them(monkeypatch, free, cache):
    taken = {}
    monkeypatch.setattr(build, "BatchStream", lambda *given, **named: taken.update(named))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 80e9))
    config = parse_config(DIFFUSION, "here")
    galaxies = SimpleNamespace(shape=(204_573, 5, 64, 64))  # of the published training file
    expected = nullcontext() if cache == "device" else pytest.warns(UserWarning, match="half")
    with expected:
        build.make_stream(config, galaxies, None, torch.device("cuda"), Path("run"))
    assert taken["cache"] == cache
