"""What the benchmark counts, and that every fast path computes what the plain one does."""

import json

import pytest
import torch
from torch.nn.functional import conv2d, scaled_dot_product_attention

from galddpm import build
from galddpm.benchmarks import growth, limit, loading, peers, training
from galddpm.benchmarks.timing import take_turns
from galddpm.commands import benchmark, validate
from galddpm.data.stream import GalaxyBatch
from galddpm.errors import UserError
from helpers.models import awake

CPU = torch.device("cpu")
SMALL = ["network.channels=[16, 32]", "network.bottleneck=32", "network.blocks=1"]
SMALL += ["data.image_size=32", "training.batch_size=4"]
ATTENTION = {"small": 8, "paper": 16}  # the lower of two resolutions


def small_config(name="small", *settings):
    attention = f"network.attention=[{ATTENTION[name]}]"
    return training.read_recipe(name, [*SMALL, attention, *settings])


def relative(error, reference):
    return float((error - reference).norm() / reference.norm())


def test_operations_and_bytes_of_a_convolution():
    weight = torch.randn(7, 3, 3, 3)

    def prepared(batch):
        images = torch.zeros(batch, 3, 10, 10)
        return lambda: conv2d(images, weight, padding=1)

    asked = limit.work(prepared, 4)
    assert asked.operations == 4 * 2 * 9 * 3 * 7 * 100
    assert asked.bytes == 4 * (300 * 4 + 700 * 4) + weight.nbytes


def test_operations_of_attention_and_of_its_backward_pass():
    """Forward two products of N x N x d, backward five."""

    def attention(batch):
        qkv = torch.randn(3, batch, 2, 50, 8, requires_grad=True)
        return lambda: scaled_dot_product_attention(*qkv).sum().backward()

    assert limit.work(attention, 3).operations == 3 * 2 * 7 * 2 * 50 * 50 * 8


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("aten::convolution_backward", "convolution"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::addmm", "linear"),
        ("aten::lerp_", "optimiser and average"),
        ("aten::native_group_norm", "normalisation"),
        ("aten::copy_", "other"),
    ],
)
def test_operators_are_sorted_into_kinds(operator, kind):
    assert limit.kind_of(operator) == kind


def test_the_exponent_of_a_power_law_is_found():
    points = [{"side": side, "memory": 3.0 * side**1.7} for side in (1, 2, 5, 9)]
    assert growth.exponent(points, "side", "memory") == pytest.approx(1.7, rel=1e-9)


def test_contestants_take_turns():
    order = []
    seconds = take_turns({n: lambda n=n: order.append(n) for n in "ab"}, CPU, turns=2, warm_up=1)
    assert order == list("ababab")
    assert seconds.keys() == {"a", "b"}


def test_the_network_of_the_peer_has_as_many_parameters():
    config = training.read_recipe("paper")
    theirs = peers.parameters(peers.diffusers_network(config, CPU))
    assert theirs == pytest.approx(
        peers.parameters(build.make_network(config)), rel=peers.MOST_APART
    )


@pytest.mark.parametrize(
    ("part", "library", "extra"),
    [("all", "diffusers", "benchmark"), ("measure", "galsim", "benchmark")],
)
def test_a_library_that_is_missing_is_named_before_anything_is_measured(
    monkeypatch, part, library, extra
):
    monkeypatch.setattr(benchmark, "make_measures", None)
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None if name == library else name)
    with pytest.raises(UserError) as caught:
        benchmark.main([part, "--device", "cpu"])
    assert str(caught.value) == f"{library} is not installed; pip install 'galddpm[{extra}]'"


def test_what_cuda_is_compared_with_is_asked_for_there_alone(monkeypatch):
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None if "denoising" in name else name)
    benchmark.refuse_missing_libraries(benchmark.PARTS, "cpu")
    with pytest.raises(UserError, match="denoising_diffusion_pytorch .*benchmark-cuda"):
        benchmark.refuse_missing_libraries(benchmark.PARTS, "cuda")


def test_measured_figures_and_stamps_stay_where_they_are(tmp_path, monkeypatch):
    kept = tmp_path / "validation.json"
    kept.write_text("kept")
    monkeypatch.setattr(benchmark, "make_measures", None)
    monkeypatch.setattr(validate, "draw_truth_or_refuse", None)
    for command, out in ((benchmark, kept), (validate, tmp_path)):
        with pytest.raises(UserError, match="validation.json: exists; --overwrite replaces it"):
            command.main(["--out", str(out)])
    assert kept.read_text() == "kept"


def test_the_memory_of_work_off_the_gpu_is_that_of_the_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert growth._with_memory(dict)["memory"] > 10


def test_the_command_writes_ratios(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loading, "GALAXIES", 256)
    monkeypatch.setattr(loading, "BATCH", 8)
    benchmark.main(["loader", "--device", "cpu", "--out", str(tmp_path / "speed.json")])
    figures = json.loads((tmp_path / "speed.json").read_text())
    assert figures["loader"]["memory_ratio"] > 0
    assert figures["loader"]["disk_ratio"] > 0
    assert "loader.memory_ratio" in capsys.readouterr().out


def gradients(model, layout=torch.channels_last, bf16=False):
    """Output and gradients of one loss on fixed inputs, as one vector each."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(4, 5, 32, 32, generator=generator).contiguous(memory_format=layout)
    level = torch.tensor([0.3, 0.6, 0.8, 0.95], dtype=torch.float64)
    redshift = torch.rand(4, generator=generator)
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = model.output(x, level, torch.sqrt(1 - level**2), redshift)
        output.square().mean().backward()
    slopes = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return output.detach().flatten(), slopes


@pytest.mark.parametrize("name", ["small", "paper"])
def test_channels_last_computes_what_the_plain_layout_does(name):
    model = awake(training.fresh_denoiser(small_config(name), CPU), 0.05)
    plain = awake(training.fresh_denoiser(small_config(name), CPU), 0.05).to(
        memory_format=torch.contiguous_format
    )
    fast = gradients(model)
    for values, reference in zip(fast, gradients(plain, torch.contiguous_format), strict=True):
        assert relative(values, reference) < 1e-4


@pytest.mark.parametrize("name", ["small", "paper"])
def test_bfloat16_stays_near_float32(name):
    """An output within 2 %, a gradient within 3 %: 8 bits of mantissa, over some 20 layers."""
    model = awake(training.fresh_denoiser(small_config(name), CPU), 0.05)
    output, slopes = gradients(model)
    rounded_output, rounded_slopes = gradients(model, bf16=True)
    assert relative(rounded_output, output) < 0.02
    assert relative(rounded_slopes, slopes) < 0.03


def test_bfloat16_trains_as_float32_does():
    """The same steps on the same noise: losses at the end agree within 2 %.

    At a third of small.yaml's rate, which without its warm-up makes 5 % of loss from rounding.
    """
    axis = torch.linspace(-3, 3, 32)
    blob = torch.exp(-(axis[:, None] ** 2) - axis**2)
    pixels = (blob * torch.tensor([2.0, 4.0, 6.0, 8.0])[:, None, None, None]).expand(-1, 5, -1, -1)
    batch = GalaxyBatch(pixels, torch.tensor([0.2, 0.4, 0.6, 0.8]))

    def losses(precision):
        settings = "training.warm_up=0", "training.images=4_000", "training.learning_rate=1e-3"
        config = small_config("small", *settings)
        step = training.training_step(config, CPU, precision, batches=lambda _: batch)
        return torch.stack([step()[0].mean() for _ in range(80)])

    plain, rounded = losses("fp32"), losses("bf16")
    assert plain[-20:].mean() < 0.7 * plain[:5].mean()
    assert rounded[-20:].mean() == pytest.approx(float(plain[-20:].mean()), rel=0.02)


def test_the_fused_optimiser_steps_as_the_plain_one():
    steps = []
    for fused in (True, False):
        torch.manual_seed(0)
        layer = torch.nn.Linear(30, 30)
        optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-2, fused=fused)
        for _ in range(5):
            layer(torch.ones(2, 30)).square().sum().backward()
            optimiser.step()
            optimiser.zero_grad()
        steps.append(layer.weight.detach())
    torch.testing.assert_close(steps[0], steps[1], rtol=1e-5, atol=1e-7)


def test_all_of_a_denoiser_is_on_its_device():
    model = training.fresh_denoiser(small_config("small"), torch.device("meta"))
    assert {value.device.type for value in model.state_dict().values()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compiled on CUDA only")
def test_the_compiled_network_computes_what_the_plain_one_does():
    device = torch.device("cuda")
    model = awake(training.fresh_denoiser(small_config(), CPU), 0.05).to(device)
    x, redshift = torch.randn(4, 5, 32, 32, device=device), torch.rand(4, device=device)
    plain = model(x, (0.6, 0.8), redshift)
    model.network.compile()
    assert relative(model(x, (0.6, 0.8), redshift), plain) < 1e-3
