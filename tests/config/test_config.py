"""Strict configs: what is wrong is refused with its key, its file and a suggestion."""

import pytest
import yaml

from galddpm.config.load import dump_config, load_config, parse_config
from galddpm.errors import UserError
from helpers.paths import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
MINIMAL = """
data: {training: a.hdf5, validation: b.hdf5, testing: c.hdf5}
training: {images: 1000, learning_rate: 1e-4}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "run.yaml").write_text(MINIMAL)
    return tmp_path / "run.yaml"


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_loads_and_survives_yaml(config):
    loaded = load_config(config)
    assert parse_config(yaml.safe_load(dump_config(loaded)), config) == loaded


def test_the_papers_numbers():
    config = load_config(next(path for path in CONFIGS if path.stem == "paper"))
    process, training = config.process, config.training
    assert (process.steps, process.beta_start, process.beta_end) == (1000, 1e-4, 0.02)
    assert (process.prediction, process.zero_terminal_snr) == ("eps", False)
    assert (training.learning_rate, training.clip, training.batch_size) == (2e-5, 1.0, 128)
    assert config.redshift.jitter == 0.01
    assert (config.network.heads, config.network.embedding) == (4, 256)
    assert config.network.channels == [64, 128, 256, 256]
    assert (config.network.bottleneck, config.network.attention) == (512, [32, 16, 8])


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "0.0001", "1.0e-4", ".1e-3", "+1e-4"])
def test_exponents_are_numbers(path, text):
    config = load_config(path, [f"training.learning_rate={text}"])
    assert config.training.learning_rate == 1e-4


def test_settings_reach_into_sections(path):
    config = load_config(path, ["seed=7", "network.channels=[8, 16]", "network.attention=[]"])
    assert (config.seed, config.network.channels) == (7, [8, 16])


@pytest.mark.parametrize("text", ["1e3", "1E3", "1000.0", "1_000", ".1e4"])
def test_whole_numbers_may_be_written_with_an_exponent(path, text):
    settings = [f"training.{key}={text}" for key in ("images", "batch_size", "preview_every")]
    settings += [f"seed={text}", f"network.channels=[{text}, 8]", "network.attention=[]"]
    config = load_config(path, settings)
    training = config.training
    found = [training.images, training.batch_size, training.preview_every, config.seed]
    found.append(config.network.channels[0])
    assert found == [1000] * 5
    assert {type(number) for number in found} == {int}


def test_a_config_that_comes_with_the_package_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packaged = load_config("quickstart")
    assert packaged == load_config(ROOT / "configs" / "quickstart.yaml")
    (tmp_path / "quickstart").mkdir()  # such as a run of that name
    assert load_config("quickstart") == packaged
    (tmp_path / "quickstart").rmdir()
    (tmp_path / "quickstart").write_text(MINIMAL)
    assert load_config("quickstart").training.images == 1000


def test_an_unknown_name_lists_those_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ", ".join(sorted(path.stem for path in CONFIGS))
    for name in ("quick", "quickstart.yaml", "tables/samplers", str(ROOT / "configs" / "paper")):
        with pytest.raises(UserError) as caught:
            load_config(name)
        assert str(caught.value) == (
            f"{name}: no such file, expected a YAML file or one of the names {names}"
        )
    with pytest.raises(UserError, match=f"{tmp_path}: is a folder, expected a YAML file"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.imags=3", "training.imags: no such key; did you mean images?"),
        ("trainig.images=3", "trainig: no such key; did you mean training?"),
        ("wibble=3", "wibble: no such key; expected one of task, seed, data"),
        ("training.images=many", "training.images: found 'many', expected a whole number"),
        ("training.images=1.5", "training.images: found 1.5, expected a whole number"),
        ("training.images=1.5e0", "training.images: found 1.5, expected a whole number"),
        ("training.images=true", "training.images: found True, expected a whole number"),
        ("training.images=.inf", "training.images: found inf, expected a whole number"),
        ("network.channels=[8, 1.5]", "network.channels.1: found 1.5, expected a whole"),
        ("training.images=0", "training.images: found 0"),
        ("training.learning_rate=-1", "training.learning_rate: found -1"),
        ("training.learning_rate=.nan", "training.learning_rate: found nan"),
        ("training.precision=fp16", "training.precision: found 'fp16', it should be 'fp32', 'bf16"),
        ("training.compile=1", "training.compile: found 1"),
        ("data.bands=[]", "data.bands"),
        ("process.beta_end=1e-5", "process: beta_start 0.0001 must be less than beta_end 1e-05"),
        ("process.zero_terminal_snr=true", "prediction eps says nothing about the image at zero"),
        ("network.attention=[5]", "network.attention: found 5, expected some of"),
        ("network.heads=3", "channels 64 must be a multiple of heads 3"),
        ("network.embedding=6", "network.embedding: found 6"),
        ("process.prediction=light", "light needs sampling.ending light, found image"),
        ("network.gates=[1, 2]", "gates: found 2, expected odd widths"),
        ("redshift.shortest=5", "redshift: shortest 5 must be less than longest 4"),
        ("task=segmentation", "task: found 'segmentation'"),
        ("task=[a]", "task: found ['a']"),
        ("task={a: 1}", "task: found {'a': 1}"),
        ("process.log_sigma_mean=.nan", "process.log_sigma_mean: found nan"),
        ("process.log_sigma_mean=.inf", "process.log_sigma_mean: found inf"),
        ("sampling.sigma_max=.inf", "sampling.sigma_max: found inf"),
        ("data.leave_out=[0.1, .nan]", "data.leave_out.1: found nan"),
        ("process.steps=10_000_000", "process.steps: found 10000000"),
        ("network.bottleneck=1000000000000", "network.bottleneck: found 1000000000000"),
        ("training.batch_size=99999999999999999999999", "training.batch_size: found 9999"),
        ("training.images=99999999999999999999999", "training.images: found 9999"),
        ("training", "expected section.key=value"),
        ("seed.x=3", "--set seed.x=3"),
        ("distillation.techer=a", "distillation.techer: no such key; did you mean teacher?"),
        ("distillation.teacher=a", "distillation: needs process.prediction light"),
        ("conditions.columns={a: [2, 1]}", "columns a: expected the smaller value first"),
        ("conditions.columns={a: [1]}", "conditions.columns.a"),
        ("conditions.columns=[a]", "conditions.columns: found ['a']"),
        ("conditions.dropout=1", "conditions.dropout: found 1"),
    ],
)
def test_mistakes_are_named(path, setting, message):
    path.write_text(MINIMAL + "seed: 0\n")
    with pytest.raises(UserError) as caught:
        load_config(path, [setting])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value) or "--set" in str(caught.value)


def test_light_needs_one_sky_noise_in_all_bands(path):
    path.write_text(MINIMAL)
    assert load_config(path, ["sampling.ending=light", "process.prediction=edm"])
    with pytest.raises(UserError, match="light needs scaling.name asinh, found min_max"):
        load_config(path, ["sampling.ending=light", "scaling.name=min_max"])


def test_a_student_knows_redshift_alone(path):
    path.write_text(MINIMAL)
    light = ["process.prediction=light", "sampling.ending=light", "distillation.teacher=a"]
    assert load_config(path, light).distillation
    with pytest.raises(UserError, match="a student knows redshift alone"):
        load_config(path, [*light, "conditions.columns={a: [1, 2]}"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing, expected sections"),
        ("- a\n- b", "found list, expected sections"),
        ("data: [", "not readable as YAML"),
        ("data: {training: a}", "data.validation: missing"),
        ("task: colour", "task: found 'colour', expected one of diffusion, redshift"),
        ("!!python/object/apply:os.system ['true']", "not readable as YAML"),
    ],
)
def test_files_that_are_no_config(path, text, message):
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml: no such file"):
        load_config(tmp_path / "nowhere.yaml")
