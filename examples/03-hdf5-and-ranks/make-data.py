# SPDX-License-Identifier: BSD-3-Clause
"""Writes arm.h5: how fast the hand of a made-up arm with two joints moves, 2000 samples.

Inputs are the two angles and how fast they turn; targets are the speeds of the hand along two axes.
Twenty movements of a hundred samples each are the groups.
"""
import h5py
import numpy

rng = numpy.random.default_rng(1991)
angle = rng.uniform(-numpy.pi, numpy.pi, size=(2000, 2))
turning = rng.normal(size=(2000, 2))
first, both = angle[:, 0], angle.sum(1)
x = numpy.hstack([angle, turning])
y = numpy.stack([-numpy.sin(first) * turning[:, 0] - 0.7 * numpy.sin(both) * turning.sum(1),
                 numpy.cos(first) * turning[:, 0] + 0.7 * numpy.cos(both) * turning.sum(1)], 1)

with h5py.File("arm.h5", "w") as file:
    file["x"] = x
    file["y"] = y
    file["group"] = numpy.repeat(numpy.arange(20), 100)
    file["x"].attrs["names"] = ["angle1", "angle2", "turning1", "turning2"]
    file["y"].attrs["names"] = ["hand_x", "hand_y"]
