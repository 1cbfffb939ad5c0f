"""The two blocks of the U-Net: residual convolutions and self-attention."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

CHANNELS_PER_GROUP = 16  # of the group normalisation, as far as that divides the channels
LARGEST_MATRIX = 2**27  # weights of one attention that are held in memory at once, 268 MB


def group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // math.gcd(channels, CHANNELS_PER_GROUP), channels)


def zero_initialised(layer: nn.Module) -> nn.Module:
    """The layer with all parameters 0, so that a residual branch starts as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, the second scaled and shifted by the condition (B, embedding)."""

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float = 0.0):
        super().__init__()
        self.norm_in = group_norm(inputs)
        self.conv_in = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.norm_out = group_norm(outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zero_initialised(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.conv_in(gelu(self.norm_in(x)))
        h = torch.addcmul(shift, self.norm_out(h), 1 + scale)
        out: Tensor = self.skip(x) + self.conv_out(self.dropout(gelu(h)))
        return out


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of each pixel's channels, (B, C, H, W) -> (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class AttentionBlock(nn.Module):
    """Multi-head self-attention over pixels, then a GELU layer, each after layer normalisation.

    (B, C, H, W) -> (B, C, H, W). The linear layers are written as 1 x 1 convolutions, which take
    the pixels as they lie in memory and on some processors have the faster matrix product.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_attention = ChannelNorm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero_initialised(nn.Conv2d(channels, channels, 1))
        self.norm_mlp = ChannelNorm(channels)
        self.mlp_in = nn.Conv2d(channels, channels, 1)
        self.mlp_out = zero_initialised(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).permute(0, 2, 3, 1)
        qkv = qkv.reshape(batch, height * width, 3, self.heads, channels // self.heads)
        attended = attend(*qkv.permute(2, 0, 3, 1, 4)).transpose(1, 2)
        attended = attended.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        x = x + self.out(attended)
        out: Tensor = x + self.mlp_out(gelu(self.mlp_in(self.norm_mlp(x))))
        return out


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for (B, heads, N, d).

    Torch's fused kernel never forms the N x N matrices, but on a CPU in bfloat16 it takes two to
    five times as long as forming them, so there they are formed as far as memory goes.
    """
    batch, heads, tokens, width = query.shape
    unfused = query.device.type == "cpu" and query.dtype == torch.bfloat16
    if unfused and batch * heads * tokens**2 <= LARGEST_MATRIX:
        return torch.softmax(query * width**-0.5 @ key.transpose(-1, -2), dim=-1) @ value
    return scaled_dot_product_attention(query, key, value)
