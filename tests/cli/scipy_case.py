# SPDX-License-Identifier: BSD-3-Clause
"""The experts of a checkpoint as SciPy's distributions, and what mixtures of them say."""
import h5py
import numpy


def family(name, o, v, nu, scale):
    """Of targets whose mean is o (in the units of the data); v and nu as in a checkpoint."""
    from scipy import stats
    return {"gaussian": lambda: stats.norm(o, numpy.sqrt(v) * scale),
            "student": lambda: stats.t(nu, o, numpy.sqrt(v) * scale),
            "gamma": lambda: stats.gamma(1 / v, scale=o * v),
            "lognormal": lambda: stats.lognorm(numpy.sqrt(v), scale=o * numpy.exp(-v / 2)),
            "poisson": lambda: stats.poisson(o),
            "negative-binomial": lambda: stats.nbinom(1 / v, 1 / (1 + v * o)),
            "zero-inflated-poisson": lambda: ZeroInflated(stats.poisson(o * (1 + v)), v / (1 + v))}[name]()


class ZeroInflated:
    """0 with probability `zero`, else what `inner` says."""

    def __init__(self, inner, zero):
        self.inner, self.zero = inner, zero

    def logpmf(self, d):
        return numpy.logaddexp(numpy.log(self.zero) + numpy.where(d == 0, 0, -numpy.inf),
                               numpy.log1p(-self.zero) + self.inner.logpmf(d))

    def cdf(self, t):
        return numpy.where(t >= 0, self.zero + (1 - self.zero) * self.inner.cdf(t), 0)

    def mean(self):
        return (1 - self.zero) * self.inner.mean()

    def var(self):
        square = self.inner.var() + self.inner.mean() ** 2
        return (1 - self.zero) * square - self.mean() ** 2


def experts_of(run, g, o):
    """[expert] distributions of shape (n, targets); o (n, experts, targets), of which what has no share is any."""
    o = numpy.where(g[:, :, None] > 0, o, 1)
    with h5py.File(run / "checkpoints" / "latest") as file:
        name = file["config"].attrs["likelihood"].decode()
        v, scale = file["experts/variance"][:], file["scaler/y_scale"][:]
        nu = file["experts/freedom"][:] if "freedom" in file["experts"] else numpy.full(len(v), numpy.nan)
    return [family(name, o[:, e], v[e], nu[e], scale) for e in range(len(v))]


def log_density(g, experts, y):
    """(n): ln sum_e g_e prod_k p_e(y_k)."""
    with numpy.errstate(divide="ignore"):
        log_g = numpy.log(g)
    return numpy.logaddexp.reduce([log_g[:, e] + density(expert, y).sum(axis=1)
                                   for e, expert in enumerate(experts)], axis=0)


def density(expert, y):
    """ln p of each target; rv_frozen has logpdf or logpmf, by what it freezes."""
    if hasattr(getattr(expert, "dist", None), "pdf"):
        return expert.logpdf(y)
    return expert.logpmf(y)


def variance(g, experts):
    """By the law of total variance."""
    mean = sum(g[:, e, None] * expert.mean() for e, expert in enumerate(experts))
    return sum(g[:, e, None] * (expert.var() + (expert.mean() - mean) ** 2) for e, expert in enumerate(experts))


def close(found, wanted, tolerance):
    numpy.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def check_quantiles(case, experts, g, rows, k, p, found):
    """P(d <= t) is p; of counts, t is the first of which it is at least p."""
    def below(t):
        wide = numpy.full((len(g), 2), numpy.nan)
        wide[rows] = t[:, None]
        return sum((g[:, e] * expert.cdf(wide)[:, k])[rows] for e, expert in enumerate(experts))
    if hasattr(getattr(experts[0], "dist", None), "pdf"):
        numpy.testing.assert_allclose(below(found), p, rtol=1e-8)
        return
    case.assertTrue((found == numpy.floor(found)).all() and (found >= 0).all())
    case.assertTrue((below(found) >= p * (1 - 1e-12)).all())
    case.assertTrue(((below(found - 1) < p * (1 + 1e-12)) | (found == 0)).all())
