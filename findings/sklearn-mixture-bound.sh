#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scikit-learn's GaussianMixture: lower_bound_ is not the log-likelihood of the model, and sample() is sorted.
#
# Guess: lower_bound_, "of the best fit of EM", is score(X) of the fitted model. Rows of sample(n) are drawn
#        independently, so that the first half of them is like the second.
# Seen:  lower_bound_ belongs to the parameters before the last M-step, and is smaller. sample() gives all
#        rows of the first component, then those of the next.
# So:    compare log-likelihoods of programs by score(X) * len(X). Shuffle what sample() gives before the
#        last rows are held out: else a component is in one part only.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-joblib=1.2.0-4+deb12u1 python3-scipy=1.10.1-2 python3-threadpoolctl=3.1.0-1 \
    python3-sklearn=1.2.1+dfsg-1 python3-sklearn-lib=1.2.1+dfsg-1

python <<'PYTHON'
import numpy, sklearn
from sklearn.mixture import GaussianMixture
from expect import expect

print("scikit-learn", sklearn.__version__)
p = (numpy.arange(200) + 0.5) / 200
one = numpy.log(p / (1 - p)) / 2
x = numpy.concatenate([one - 1, one + 1.5])[:, None]

for tolerance, least in ((1e-1, 1e-4), (1e-3, 1e-6)):
    found = GaussianMixture(2, random_state=0, tol=tolerance, means_init=[[-1], [1]]).fit(x)
    gap = found.score(x) - found.lower_bound_
    print(f"tolerance {tolerance}: score {found.score(x):.6f}, lower_bound_ {found.lower_bound_:.6f}")
    expect(f"score is larger by more than {least}", gap > least, True)
component = found.sample(1000)[1]
expect("components of sample() in ascending order", bool((numpy.diff(component) >= 0).all()), True)
PYTHON
