"""Noise whose correlation is known in closed form: white noise smoothed with (a, 1, a)."""


def smoothed(a):
    """Correlation of white noise smoothed along both axes with (a, 1, a)."""
    along = [1, 2 * a / (1 + 2 * a**2), a**2 / (1 + 2 * a**2)]
    return tuple(tuple(along[dy] * along[abs(dx)] for dx in range(-2, 3)) for dy in range(3))
