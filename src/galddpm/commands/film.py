"""Galaxies that change with redshift: a film, a sheet, and a page with a slider.

images: (galaxies, frames, C, H, W) [count]; redshift: (frames,), of each frame.
"""

import base64
import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from galddpm.arrays import Array, Floats
from galddpm.data.colour import rgb

ZOOM = 4  # pixels of a film, or of a page, on a side of a pixel
TEXT = 16  # pixels of a line of text
FRAME = 80  # [ms] of a film
GAP = 4  # pixels between galaxies
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>galaxies through redshift</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem }}
body {{ padding: 0 1rem }} img {{ image-rendering: pixelated; max-width: 100% }}
input {{ width: 100% }}</style>
<h1>The same noise at redshift <output id="z"></output></h1>
<p>What the model makes of one noise at each redshift; one stretch of brightness for all.</p>
<input id="at" type="range" min="0" max="{last}" value="0" aria-label="redshift">
<p><img id="frame" alt="galaxies at this redshift"></p>
<script>
const redshift = {redshift}, frames = {frames};
const at = document.getElementById('at');
const show = () => {{
  document.getElementById('z').value = redshift[at.value];
  document.getElementById('frame').src = 'data:image/png;base64,' + frames[at.value];
}};
at.addEventListener('input', show);
show();
</script></html>
"""


def film(images: Floats, redshift: Floats, bands: Sequence[str], path: Path) -> None:
    """Write a GIF, which runs up to the highest redshift and back."""
    first, *others = to_and_fro(images, redshift, bands)
    first.save(path, "GIF", save_all=True, append_images=others, duration=FRAME, loop=0)


def video(images: Floats, redshift: Floats, bands: Sequence[str], path: Path) -> None:
    """Write the same as an MP4, for talks and pages that play no GIF. Needs `av`."""
    import av

    frames = to_and_fro(images, redshift, bands)
    with av.open(path, "w", format="mp4") as out:
        stream = out.add_stream("h264", rate=Fraction(1000, FRAME))
        stream.width, stream.height = (side // 2 * 2 for side in frames[0].size)  # as players want
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        out.mux(stream.encode())


def to_and_fro(images: Floats, redshift: Floats, bands: Sequence[str]) -> list[Image.Image]:
    """The pictures of a film: up to the highest redshift and back."""
    pairs = zip(by_frame(images), redshift, strict=True)
    frames = [titled(side_by_side(made, bands), z) for made, z in pairs]
    return [*frames, *frames[-2:0:-1]]


def sheet(images: Floats, redshift: Floats, bands: Sequence[str], path: Path) -> None:
    """Write a PNG with a row for each galaxy and a column for each redshift."""
    columns = []
    for made, z in zip(by_frame(images), redshift, strict=True):
        stacked = np.concatenate([side_by_side(galaxy[None], bands) for galaxy in made])
        columns.append(np.asarray(titled(stacked, z)))
    Image.fromarray(np.concatenate(columns, axis=1)).save(path, "PNG")


def page(images: Floats, redshift: Floats, bands: Sequence[str], path: Path) -> None:
    """Write an HTML page on which a slider chooses the redshift; it opens offline."""
    frames = [encoded(side_by_side(made, bands)) for made in by_frame(images)]
    shown = [f"{z:.2f}" for z in redshift]
    path.write_text(PAGE.format(last=len(frames) - 1, redshift=shown, frames=frames))


def by_frame(images: Floats) -> Floats:
    """(frames, galaxies, C, H, W)."""
    return images.swapaxes(0, 1)


def side_by_side(galaxies: Floats, bands: Sequence[str]) -> Array:
    """Galaxies (n, C, H, W) beside each other, in colour, (rows, columns, 3) uint8."""
    pictures = rgb(galaxies, bands=bands)[:, ::-1].repeat(ZOOM, 1).repeat(ZOOM, 2)
    bordered = np.pad(pictures, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=1)
    joined: Array = np.concatenate(list(bordered), axis=1)[:, :-GAP]
    return (255 * joined).round().astype(np.uint8)


def titled(picture: Array, redshift: float) -> Image.Image:
    """A picture (rows, columns, 3) below its redshift."""
    whole = Image.fromarray(np.pad(picture, ((TEXT, 0), (0, 0), (0, 0)), constant_values=255))
    ImageDraw.Draw(whole).text((2, 2), f"z = {redshift:.2f}", fill=(0, 0, 0))
    return whole


def encoded(picture: Array) -> str:
    """A picture as the base64 text of its PNG."""
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()
