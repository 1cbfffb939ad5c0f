"""Mock galaxies with known truth, in the GalaxiesML schema; needs the extra `galddpm[mock]`."""

from galddpm.mock.catalog import MockSettings, make_mock

__all__ = ["MockSettings", "make_mock"]
