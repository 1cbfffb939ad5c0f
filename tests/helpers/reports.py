"""Reports as the judge writes them, for tests of what is said of them."""


def metric(ks=0.1, floor=0.05, floor_95=0.08):
    return {
        "n_real": 1200,
        "n_generated": 300,
        "ks": ks,
        "ks_interval": None if ks is None else [ks - 0.01, ks + 0.01],
        "ks_floor": floor,
        "ks_floor_95": floor_95,
        "mean_real": 2.0,
        "mean_generated": 1.0,
        "mean_difference": -1.0,
        "mean_difference_interval": [-1.1, -0.9],
        "mean_ratio": 0.5,
        "mean_ratio_interval": [0.45, 0.55],
    }


def made_report(**changes):
    """A report in which everything that can be missing is missing."""
    count = {"total": 1500, "detected": 1234, "compared": 300, "flagged": {"EDGE": 7}}
    trend = {"slope": None, "slope_interval": None}
    nothing = {"difference": None, "difference_interval": None, "verdict": "too few to say"}
    sides = {"real": trend, "generated": trend}
    size = {"n": 3, "exponent": None, "exponent_interval": None}
    cosmic_time = {
        "size": {"real": size, "generated": size, "bins": []} | nothing,
        "ultraviolet": [],
        "mergers": {"gini_m20": [], "asymmetry": []},
    }
    report = {
        "names": {"real": "held-out mock", "generated": "generated"},
        "files": {"real": "real.hdf5", "generated": "samples.hdf5"},
        "origin": {"run": "runs/a", "images_trained": 12000},
        "date": "2026-11-25T04:00:00+00:00",
        "band": "i",
        "matched": False,
        "counts": {"real": count, "generated": count | {"total": 400, "detected": 399}},
        "metrics": {"flux": metric()},
        "trends": {"ellipticity": {"expected": "constant"} | sides | nothing},
        "cosmic_time": cosmic_time,
        "joint": {"energy": None, "trees": None, "frechet": None},
        "brightness": {"i": {"asinh_ratio": None, "asinh_ratio_interval": None}},
        "redshift": None,
        "images": None,
    }
    return report | changes
