"""The sections of a config: which keys there are, and what their values may be.

The comment beside each key is its reference.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator


def _as_whole(value: Any) -> Any:
    """1e3, which is no whole number to YAML, as 1000."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise ValueError(f"found {value!r}, expected a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_as_whole)]
Count = Annotated[Whole, Field(ge=1, le=10**12)]
Seed = Annotated[Whole, Field(ge=0, lt=2**63)]
Size = Annotated[Whole, Field(ge=1, le=2**14)]  # of what is held in memory at once
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
BandNames = Annotated[list[str], Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class DataSettings(Section):
    training: str  # HDF5 file of the GalaxiesML schema
    validation: str
    testing: str
    bands: BandNames = ["g", "r", "i", "z", "y"]  # in the order of the files' second axis
    image_size: Size = 64  # pixels on a side
    non_finite: Literal["refuse", "drop"] = "refuse"  # galaxies with a NaN or infinite value
    cache: Literal["none", "memory", "device", "memory_map"] = "memory"  # encoded training pixels
    leave_out: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None  # training
    # galaxies from the first redshift to the second, to see what a model makes of a gap
    rare_redshift_power: Annotated[float, Field(ge=0, le=1)] = 0.0  # 0: all once in an epoch; to 1:
    # rare redshifts more often, in proportion to the density in ln(1+z) to minus this power
    symmetries: bool = False  # turn and mirror training galaxies at random (8 ways)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.leave_out and self.leave_out[0] >= self.leave_out[1]:
            raise ValueError(f"leave_out {self.leave_out}: expected the smaller redshift first")
        return self


class ScalingSettings(Section):
    name: Literal["asinh", "min_max"] = "asinh"
    softening: Positive = 5.0  # asinh: where it turns from linear to logarithmic [sky sigma]
    sample: Count = 4096  # training galaxies that the constants are fitted to


class RedshiftSettings(Section):
    jitter: NonNegative = 0.01  # standard deviation of the noise added in training
    shortest: Positive = 0.05  # redshift over which the fastest wave of the embedding turns once
    longest: Positive = 4.0  # and the slowest
    bin_width: Positive | None = None  # condition on the middle of a bin, as was usual before

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.shortest >= self.longest:
            raise ValueError(
                f"shortest {self.shortest:g} must be less than longest {self.longest:g}"
            )
        return self


class ConditionSettings(Section):
    columns: dict[str, tuple[float, float]] = {}  # of the files, what a galaxy is asked for beside
    # its redshift, such as i_cmodel_mag: from the least to the greatest value that tells something
    dropout: Fraction = 0.5  # share of training in which each is unknown, as it then may be later

    @field_validator("columns", mode="before")
    @classmethod
    def _pairs(cls, columns: Any) -> Any:
        """Lists, as YAML has them, as pairs."""
        if not isinstance(columns, dict):
            return columns
        return {k: tuple(v) if isinstance(v, list) else v for k, v in columns.items()}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, (low, high) in self.columns.items():
            if low >= high:
                raise ValueError(f"columns {name}: expected the smaller value first")
        return self


class ProcessSettings(Section):
    steps: Annotated[Whole, Field(ge=2, le=10**6)] = 1000  # T
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 0.02
    zero_terminal_snr: bool = False  # rescale so that nothing of the image is left at t = T
    prediction: Literal["eps", "v", "x_0", "edm", "light"] = "eps"  # what the output means
    level_distribution: Literal["uniform", "log_normal"] = "uniform"  # of t, of ln(sigma/alpha)
    log_sigma_mean: float = -1.2  # of the normal distribution of ln(sigma/alpha)
    log_sigma_std: Positive = 1.2
    weighting: Literal["none", "equal"] = "none"  # equal: all noise levels weigh alike
    centre_weight_radius: Positive | None = None  # [pixel] where a pixel weighs half of the centre
    huber_delta: Positive = 1.0  # Huber loss: quadratic below, linear above [network output]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.beta_start >= self.beta_end:
            raise ValueError(
                f"beta_start {self.beta_start:g} must be less than beta_end {self.beta_end:g}"
            )
        if self.zero_terminal_snr and self.prediction == "eps":
            raise ValueError(
                "prediction eps says nothing about the image at zero terminal SNR; use v, x_0, edm,"
                " light"
            )
        return self


class NetworkSettings(Section):
    channels: Annotated[list[Size], Field(min_length=1)] = [64, 128, 256, 256]  # by resolution
    bottleneck: Size = 512  # channels at the lowest resolution
    blocks: Size = 2  # residual blocks at each resolution
    attention: list[Size] = [32, 16, 8]  # resolutions with self-attention [pixels of patches]
    heads: Size = 4  # of each attention
    patch_size: Size = 1  # patches of so many pixels squared become channels before the first layer
    gates: list[Size] = []  # widths of means of the input that the last layer adds, times gains
    # that it gives for each value [pixel]
    means: list[Size] = []  # prediction light: widths of the means of what is seen that make up
    # the light that passes, weighed pixel by pixel; none: it passes as in edm [pixel]
    coordinates: bool = False  # give each pixel's place as two more input channels
    embedding: Annotated[Whole, Field(ge=4, le=2**14, multiple_of=4)] = 256  # of t and redshift
    dropout: Fraction = 0.0

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        for width in (*self.channels, self.bottleneck):
            if width % self.heads:
                raise ValueError(f"channels {width} must be a multiple of heads {self.heads}")
        for name in ("gates", "means"):
            for width in getattr(self, name):
                if width % 2 == 0:
                    raise ValueError(f"{name}: found {width}, expected odd widths")
        return self


class TrainingSettings(Section):
    images: Count  # run length
    batch_size: Size = 128
    optimiser: Literal["adamw", "muon"] = "adamw"  # muon: of hidden matrices; adamw for the rest
    learning_rate: Positive = 2e-5
    warm_up: Annotated[Whole, Field(ge=0, le=10**12)] = 0  # images while the learning rate rises
    decay: Literal["constant", "cosine"] = "constant"  # of the learning rate after the warm-up
    weight_decay: NonNegative = 0.01
    clip: Positive = 1.0  # largest gradient norm
    ema_decay: Fraction = 0.9999
    init_from: str | None = None  # run or model whose averaged weights it starts with
    precision: Literal["fp32", "bf16", "auto"] = "auto"  # auto: bf16 where the processor has it;
    # fp32: with convolutions in TF32 on a GPU that has it, as torch does by itself
    compile: bool = True  # torch.compile on CUDA, where there is a C compiler
    deterministic: bool = False  # on a GPU: the same bits again, also after a resume, but slower
    parts: Size = 1  # of a batch, worked on one after the other: the same numbers in the memory of
    # one part, and a third more time
    checkpoint_every: Count = 500_000  # images
    log_every: Count = 12_800  # images
    preview_every: Count | None = 500_000  # images; null draws none
    wandb: str | None = None  # project of Weights & Biases, where the log is shown too


class SamplingSettings(Section):
    ending: Literal["image", "light"] = "image"  # light: leave off where the noise is still more
    # than the instrument's, take what is light there, and add the instrument's noise in counts
    band_limit: Annotated[float, Field(gt=0, le=0.5)] | None = None  # of light, beyond which a PSF
    # passes none: what the network makes there is taken away [cycle/pix]
    sampler: Literal["ddpm", "ddim", "dpmpp_2m", "dpmpp_3m", "heun"] = "dpmpp_2m"
    steps: Count = 50
    spacing: Literal["uniform", "karras"] = "uniform"  # of the levels: in t, or in sigma^(1/7)
    sigma_min: Positive | None = None  # karras: the last sigma/alpha; null: what the end needs
    sigma_max: Positive = 100.0  # karras: the first sigma/alpha, where a galaxy is lost in noise
    batch_size: Size = 128  # galaxies that are made and kept at a time
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    variance: Literal["posterior", "beta"] = "posterior"  # ddpm: of each step's noise
    eta: Annotated[float, Field(ge=0, le=1)] = 0.0  # ddim: 0 deterministic, 1 as ddpm

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.sigma_min and self.sigma_min >= self.sigma_max:
            raise ValueError(
                f"sigma_min {self.sigma_min:g} must be less than sigma_max {self.sigma_max:g}"
            )
        return self


class DistillationSettings(Section):
    teacher: str  # run folder or model file of the same process and network
    steps: Annotated[Whole, Field(ge=2, le=10**6)] = 20  # of the teacher's sampler
    pairs: Count = 2400  # noises that it is solved for, at redshifts of the training set
    intermediate_sigmas: list[Positive] = [3.0]  # sigma/alpha where later evaluations start


class RedshiftNetworkSettings(Section):
    channels: Annotated[list[Size], Field(min_length=1)] = [32, 64, 128, 256]  # each at half the
    # resolution of the one before, the first at half of the image's
    features: Size = 128  # width of the layer that the estimate is read from


class RedshiftLossSettings(Section):
    huber_share: Annotated[float, Field(ge=0, le=1)] = 0.6  # of the run with the Huber loss, before
    # the HSC loss, which has no slope far from the truth


class EarlyStoppingSettings(Section):
    check_every: Count  # images between two looks at the validation set
    patience: Count = 10  # looks without a better loss after which the run ends
    galaxies: Count = 4096  # of the validation set, from its first row on


class Config(Section):
    task: Literal["diffusion"] = "diffusion"
    seed: Seed = 0
    data: DataSettings
    scaling: ScalingSettings = ScalingSettings()
    redshift: RedshiftSettings = RedshiftSettings()
    conditions: ConditionSettings = ConditionSettings()
    process: ProcessSettings = ProcessSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings
    sampling: SamplingSettings = SamplingSettings()
    distillation: DistillationSettings | None = None  # train a student instead of a denoiser

    @model_validator(mode="after")
    def _teachable(self) -> Self:
        found = [self.process.prediction, self.sampling.ending]
        if self.distillation and found != ["light", "light"]:
            raise ValueError(
                "distillation: needs process.prediction light and sampling.ending light, found"
                f" {' and '.join(found)}"
            )
        if self.distillation and self.conditions.columns:
            raise ValueError("conditions.columns: a student knows redshift alone, leave them out")
        return self

    @model_validator(mode="after")
    def _ends_where_it_is_trained(self) -> Self:
        if (self.process.prediction, self.sampling.ending) == ("light", "image"):
            raise ValueError("process.prediction light needs sampling.ending light, found image")
        if self.sampling.ending == "light" and self.scaling.name != "asinh":
            # else the sky's noise is not alike in all bands
            raise ValueError("sampling.ending light needs scaling.name asinh, found min_max")
        if self.network.means and self.process.prediction != "light":
            found = self.process.prediction
            raise ValueError(f"network.means needs process.prediction light, found {found}")
        return self

    @model_validator(mode="after")
    def _starts_once(self) -> Self:
        if self.distillation and self.training.init_from:
            raise ValueError("training.init_from: a student starts from its teacher, leave it out")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        levels = len(self.network.channels)
        stride = self.network.patch_size << (levels - 1)
        padded = -(-self.data.image_size // stride) * stride
        held = [(padded // self.network.patch_size) >> level for level in range(levels)]
        for size in self.network.attention:
            if size not in held:
                raise ValueError(f"network.attention: found {size}, expected some of {held}")
        return self


class RedshiftConfig(Section):
    task: Literal["redshift"]
    seed: Seed = 0
    data: DataSettings
    scaling: ScalingSettings = ScalingSettings()
    network: RedshiftNetworkSettings = RedshiftNetworkSettings()
    loss: RedshiftLossSettings = RedshiftLossSettings()
    training: TrainingSettings
    early_stopping: EarlyStoppingSettings


AnyConfig = Config | RedshiftConfig
TASKS: dict[str, type[AnyConfig]] = {"diffusion": Config, "redshift": RedshiftConfig}
