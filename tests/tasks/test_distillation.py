"""A student: its jumps, what it is taught, and its commands."""

import json
import math

import h5py
import numpy as np
import pytest
import torch

import galddpm
from galddpm.commands import sample, train
from galddpm.config.load import load_config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.pairs import PairStream, stored_states
from galddpm.data.symmetries import turned
from galddpm.diffusion.denoiser import Denoiser, LightDenoiser
from galddpm.diffusion.galaxy_noise import GalaxyNoise
from galddpm.diffusion.light import SkyNoise
from galddpm.diffusion.samplers import ddim, dpmpp_2m
from galddpm.diffusion.schedule import Schedule
from galddpm.diffusion.student import (
    Student,
    sample_student,
    states,
    student_levels,
    student_losses,
)
from galddpm.errors import UserError
from galddpm.tasks import distillation
from galddpm.training.checkpoint import load_tensors
from helpers.correlation import smoothed
from helpers.trained import train_small

SKY = 0.3
ZERO = Schedule.linear(1000, 1e-4, 0.02, zero_terminal_snr=True)
LEVELS = ZERO.levels(12, "karras", 0.03, 1000.0)
JUMPS = student_levels(LEVELS, [3.0])


def noise(count=4, side=16, seed=0):
    return torch.randn(count, 2, side, side, generator=torch.Generator().manual_seed(seed))


def test_levels_are_the_teachers_nearest():
    assert student_levels(LEVELS, []) == [LEVELS[0], LEVELS[-1]]
    first, middle, last = JUMPS
    assert (first, last) == ((0.0, 1.0), (1.0, 0.0))
    distances = [abs(math.log(sigma / alpha / 3)) for alpha, sigma in LEVELS[1:-1]]
    assert middle == LEVELS[1 + int(np.argmin(distances))]
    assert student_levels(LEVELS, [1.0, 10.0]) == sorted(student_levels(LEVELS, [1.0, 10.0]))


class Constant(torch.nn.Module):
    """A network that puts out one value everywhere."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x, t, redshift):
        return torch.full_like(x, self.value)


def student_of(value):
    sky_noise = SkyNoise(SKY, lambda light: torch.full_like(light, SKY), smoothed(0.2))
    return Student(Constant(value), ZERO, JUMPS, sky_noise)


def test_a_jump_is_a_step_of_ddim_and_the_last_one_ends_in_light():
    student, x, z = student_of(0.7), noise(), torch.zeros(4)
    same = LightDenoiser(Constant(0.7), ZERO, student.noise)
    jumped = student(x, JUMPS[0], z)
    torch.testing.assert_close(jumped, ddim(lambda x, level: same(x, level, z), x, JUMPS[:2], None))
    light = sample_student(lambda x, level: student(x, level, z), x, JUMPS, noise=None)
    torch.testing.assert_close(light, Denoiser.forward(same, jumped, JUMPS[1], z))


@pytest.mark.parametrize("number", [0, 1])
def test_what_takes_a_noise_to_its_end_costs_nothing(number):
    student, x, z = student_of(0.7), noise(), torch.zeros(4)
    lower = student(x, JUMPS[number], z)
    losses, t = student_losses(
        student, (x, lower, z, number), huber_delta=50.0, centre_weight_radius=None
    )
    assert losses.abs().max() < 1e-6
    alpha, sigma = torch.tensor(JUMPS[number : number + 1], dtype=torch.float64).T
    torch.testing.assert_close(t, ZERO.t_of(alpha, sigma).expand(4))
    losses, _ = student_losses(
        student_of(1.7), (x, lower, z, number), huber_delta=50.0, centre_weight_radius=None
    )
    torch.testing.assert_close(losses.detach(), torch.full((4,), 0.5), rtol=1e-4, atol=1e-4)


def test_states_are_those_that_the_solver_passes():
    def denoise(x, level):
        return 0.1 * x

    x = noise()
    found = states(denoise, x, LEVELS, None, dpmpp_2m, JUMPS[:-1])
    assert len(found) == 3
    torch.testing.assert_close(found[0], x)
    torch.testing.assert_close(found[2], dpmpp_2m(denoise, x, LEVELS, None))
    place = LEVELS.index(JUMPS[1])
    stopped = dpmpp_2m(denoise, x, LEVELS[: place + 1], None)
    torch.testing.assert_close(found[1], stopped)


@pytest.fixture
def pairs():
    states = np.arange(3 * 5 * 2 * 4 * 4, dtype=np.float16).reshape(3, 5, 2, 4, 4)
    return states, np.linspace(0.1, 0.5, 5)


def test_both_ends_of_a_pair_are_of_one_galaxy_and_turned_alike(pairs):
    held, redshift = pairs
    stream = PairStream(held, redshift, 6, seed=1, symmetries=True, device=torch.device("cpu"))
    for index in range(6):
        x, lower, z, number = stream(index)
        assert number == index % 2
        for k in range(6):
            row = int(np.argmin(np.abs(redshift - z[k].item())))
            ends = torch.from_numpy(held[number : number + 2, row].astype(np.float32))
            ways = [turned(ends, torch.tensor([way, way])) for way in range(8)]
            assert any(torch.equal(torch.stack([x[k], lower[k]]), way) for way in ways)


def test_a_batch_depends_on_its_number_alone(pairs):
    first, second = (
        PairStream(*pairs, 6, seed=1, symmetries=False, device=torch.device("cpu"))
        for _ in range(2)
    )
    first(0)
    assert all(torch.equal(*values) for values in zip(first(3)[:3], second(3)[:3], strict=True))
    assert not torch.equal(first(3)[0], first(5)[0])


def test_symmetries_are_drawn_where_wanted(pairs):
    plain, turned = (
        PairStream(*pairs, 6, seed=1, symmetries=wanted, device=torch.device("cpu"))
        for wanted in (False, True)
    )
    assert not torch.equal(plain(0)[0], turned(0)[0])


def test_interrupted_states_leave_nothing_that_passes_for_whole(tmp_path, pairs):
    path, (held, _) = tmp_path / "pairs.npy", pairs

    def interrupted():
        yield [level[:3] for level in held]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored_states(path, held.shape, interrupted())
    assert not path.exists()


def test_states_are_made_once(tmp_path, pairs):
    path, (held, _) = tmp_path / "cache" / "pairs.npy", pairs
    batches = ([level[rows] for level in held] for rows in (slice(0, 3), slice(3, 5)))
    np.testing.assert_array_equal(stored_states(path, held.shape, batches), held)
    np.testing.assert_array_equal(stored_states(path, held.shape, iter(())), held)


TAUGHT = [
    "--set=distillation.teacher=teacher",
    "--set=distillation.pairs=10",
    "--set=distillation.steps=4",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a trained teacher, in which the test stands."""
    monkeypatch.chdir(tmp_path)
    train_small(tmp_path, "teacher")
    return tmp_path


def test_a_student_starts_from_its_teachers_weights(folder):
    config = load_config("small.yaml", [setting.removeprefix("--set=") for setting in TAUGHT])
    task = distillation.Distillation(config, "cpu")
    student = task.make_model(task.teacher.scaling, torch.device("cpu"))
    held = task.teacher.denoiser.network.state_dict()
    for name, tensor in student.network.state_dict().items():
        assert torch.equal(tensor, held[name])


def test_no_student_learns_from_the_noise_that_it_is_judged_on(folder):
    train.main(["--config", "small.yaml", "--run-dir", "student", *TAUGHT])
    held = np.load(next((folder / "student" / "cache").glob("pairs-*.npy")))
    drawn = GalaxyNoise(0, range(10), (5, 16, 16))().numpy()
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a in held[0] for b in drawn]
    assert np.abs(alike).max() < 0.2


def test_pairs_of_another_solver_are_not_taken(folder, monkeypatch):
    arguments = ["--config", "small.yaml", "--run-dir", "student", *TAUGHT]
    train.main([*arguments, "--set=training.images=32"])
    monkeypatch.setattr(distillation, "SOLVER", "another")
    train.main(arguments)
    assert len(list((folder / "student" / "cache").glob("pairs-*.npy"))) == 2


def test_pairs_do_not_depend_on_how_many_are_solved_at_a_time(folder):
    arguments = ["--config", "small.yaml", "--run-dir", "student", *TAUGHT]
    train.main([*arguments, "--set=training.images=32"])
    train.main([*arguments, "--set=sampling.batch_size=3"])
    assert len(list((folder / "student" / "cache").glob("pairs-*.npy"))) == 1


def test_a_student_learns_and_goes_on_to_the_same_bits(folder):
    rate, half = "--set=training.learning_rate=1e-3", "--set=training.images=32"
    for run in ("whole", "halves"):
        parts = [[half], []] if run == "halves" else [[]]
        for part in parts:
            arguments = ["--config", "small.yaml", "--run-dir", run, *TAUGHT, rate]
            train.main([*arguments, *part])
    whole, halves, taught = (
        load_tensors(folder / run / "model.safetensors")[0]
        for run in ("whole", "halves", "teacher")
    )
    assert all(torch.equal(whole[name], halves[name]) for name in whole)
    name = "ema.network.last.weight"
    assert not torch.equal(whole[name], taught[name])


def test_a_changed_teacher_is_refused(folder):
    student = ["--config", "small.yaml", "--run-dir", "student", *TAUGHT]
    train.main([*student, "--set=training.images=32"])
    train.main(["--config", "small.yaml", "--run-dir", "teacher", "--set=training.images=128"])
    with pytest.raises(UserError, match="its teacher has changed"):
        train.main(student)


@pytest.mark.slow
def test_a_student_is_trained_and_sampled_by_the_same_commands(folder, capsys):
    student = ["--config", "small.yaml", "--run-dir", "student", *TAUGHT]
    train.main([*student, "--set=training.learning_rate=1e-3"])
    out = folder / "student.hdf5"
    sample.main(["--run", "student", "--redshifts", "0.1,0.4", "--out", str(out)])
    galaxies = galddpm.load("student").sample([0.1, 0.4])
    np.testing.assert_array_equal(galaxies, GalaxyFile(out).images(slice(0, 2)))
    assert np.isfinite(galaxies).all()
    assert galaxies.std() > 0
    with h5py.File(out) as file:
        provenance = json.loads(file.attrs["provenance"])
    assert (provenance["sampler"], provenance["steps"]) == ("student", 2)
    with pytest.raises(UserError, match="a student has its own"):
        sample.main(["--run", "student", "--redshifts", "0.1", "--steps", "3"])
    train.main([*student, "--set=training.learning_rate=1e-3"])
    assert "finished" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_students_galaxy_does_not_depend_on_its_batch(folder, precision):
    train.main(["--config", "small.yaml", "--run-dir", "student", *TAUGHT,
                f"--set=sampling.precision={precision}"])  # fmt: skip
    student, z = galddpm.load("student"), [0.1, 0.4, 0.3, 0.9, 0.2, 0.5, 0.6, 0.7, 0.8, 0.2, 0.3]
    together = student.sample(z)
    for few in ([0], [9, 1], [10, 4, 0]):
        alone = student.sample([z[k] for k in few], noise_id=few)
        np.testing.assert_array_equal(alone, together[few])


def test_teachers_of_another_kind_are_refused(folder):
    student = ["--config", "small.yaml", "--run-dir", "student", *TAUGHT]
    resolved = ["--config", "teacher/config.yaml", "--run-dir", "teacher", *TAUGHT]
    with pytest.raises(UserError, match="another config, distillation is None"):
        train.main(resolved)  # where distillation: null may be filled in
    with pytest.raises(UserError, match="its section network differs"):
        train.main([*student, "--set=network.blocks=2"])
    with pytest.raises(UserError, match="its data.bands differs"):
        train.main([*student, "--set=data.bands=[y, z, i, r, g]"])
    with pytest.raises(UserError, match="needs process.prediction light.* found v and light"):
        train.main([*student, "--set=process.prediction=v"])
    with pytest.raises(UserError, match="nowhere.*no such run"):
        train.main([*student, "--set=distillation.teacher=nowhere"])
    with pytest.raises(UserError, match="another config, distillation is None"):
        train.main(["--config", "small.yaml", "--run-dir", "teacher", *TAUGHT])
    assert not (folder / "student").exists()
