#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scikit-learn's GaussianMixture: the same data in a smaller unit have other clusters, or none.
#
# Guess: a mixture of Gaussians with full covariances does not depend on the units: means and standard
#        deviations scale with the data, and the clusters stay.
# Seen:  reg_covar, 1e-6 by default, is added to variances in the squared unit of the data. Data around
#        -3 and 3 are found apart; divided by 10^4 (metres for what was tenths of millimetres) both
#        components lie at 0 with 12 times the standard deviation, and converged_ is True.
# So:    scale the data first, or compare with reg_covar=0.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-joblib=1.2.0-4+deb12u1 python3-scipy=1.10.1-2 python3-threadpoolctl=3.1.0-1 \
    python3-sklearn=1.2.1+dfsg-1 python3-sklearn-lib=1.2.1+dfsg-1

python <<'PYTHON'
import numpy, sklearn
from sklearn.mixture import GaussianMixture
from expect import expect

print("scikit-learn", sklearn.__version__)
# Quantiles of a logistic distribution around -3 and around 3: no random numbers.
p = (numpy.arange(200) + 0.5) / 200
one = numpy.log(p / (1 - p)) / 2
x = numpy.concatenate([one - 3, one + 3])[:, None]

def fit(unit, **options):
    found = GaussianMixture(2, random_state=0, **options).fit(x * unit)
    means = sorted(round(float(m), 1) for m in found.means_.ravel() / unit)
    return means, found.converged_

expect("means, unit 1", fit(1.0), ([-3.0, 3.0], True))
means, converged = fit(1e-4)
expect("unit 1e-4: both means within 0.2 of 0, converged", (max(map(abs, means)) < 0.2, converged), (True, True))
expect("unit 1e-4, reg_covar=0", fit(1e-4, reg_covar=0), ([-3.0, 3.0], True))
PYTHON
