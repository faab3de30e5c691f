# SPDX-License-Identifier: BSD-3-Clause
"""Writes curve.csv: a curve of three straight pieces with noise, 240 samples."""
import random

random.seed(1991)
with open("curve.csv", "w", encoding="utf-8") as file:
    file.write("x,d\n")
    for _ in range(240):
        x = random.uniform(-3, 3)
        d = -2 * x - 3 if x < -1 else 3 * x + 2 if x < 1 else 8 - 3 * x
        file.write(f"{x:.4f},{d + random.gauss(0, 0.3):.4f}\n")
