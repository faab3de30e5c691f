# SPDX-License-Identifier: BSD-3-Clause
"""The dynamics of an arm with four joints: three in the shoulder, one in the elbow.

Vectors are (N, 3) in the frame of the world; joint j turns link j and all after it about its axis.
"""
import numpy

ANGLES = (numpy.array([-1.2, -1.2, -1.2, 0.1]), numpy.array([1.2, 1.2, 1.2, 2.0]))  # rad
AXES = numpy.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]], float)  # before they are turned
LENGTH, MASS, RADIUS = (0.3, 0.35), (2.0, 1.5), 0.04  # upper arm, forearm: m, kg
MOTOR = 0.02  # kg m2
GRAVITY = 9.81  # m/s2
LINKS = (2, 3)  # the joints whose links have a mass


def rotation(axis, angle):
    """(N, 3, 3) about a unit vector, by Rodrigues' formula."""
    x, y, z = axis
    k = numpy.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    s, c = numpy.sin(angle)[:, None, None], numpy.cos(angle)[:, None, None]
    return numpy.eye(3) + s * k + (1 - c) * (k @ k)


def rod_inertia(mass, length):
    """About the centre, the rod along z."""
    across = mass * (3 * RADIUS ** 2 + length ** 2) / 12
    return numpy.diag([across, across, mass * RADIUS ** 2 / 2])


def apply(matrices, vectors):
    return numpy.einsum("nij,nj->ni", matrices, vectors)


def frames(q):
    """Of each joint: its axis (N, 3) and the orientation (N, 3, 3) of its link."""
    turned = numpy.broadcast_to(numpy.eye(3), (len(q), 3, 3))
    found = []
    for j, axis in enumerate(AXES):
        direction = turned @ axis
        turned = turned @ rotation(axis, q[:, j])
        found.append((direction, turned))
    return found


def bodies(q):
    """Of each rod: joint, base and centre (N, 3), mass and inertia (N, 3, 3) in the world."""
    joints, base, found = frames(q), numpy.zeros((len(q), 3)), []
    for joint, length, mass in zip(LINKS, LENGTH, MASS):
        turned = joints[joint][1]
        along = -turned[:, :, 2]
        inertia = turned @ rod_inertia(mass, length) @ turned.transpose(0, 2, 1)
        found.append((joint, base, base + along * length / 2, mass, inertia))
        base = base + along * length
    return found, [axis for axis, _ in joints]


def torques(q, velocity, acceleration, gravity=GRAVITY):
    """What each joint must exert for this motion (N, 4): Newton and Euler, link by link."""
    rods, axes = bodies(q)
    n = len(q)
    spin, spin_rate = numpy.zeros((n, 3)), numpy.zeros((n, 3))
    # To lift a body against gravity is to accelerate it upwards.
    base, base_rate = numpy.zeros((n, 3)), numpy.tile([0.0, 0.0, gravity], (n, 1))
    found, first = MOTOR * acceleration, 0
    for last, start, centre, mass, inertia in rods:
        base_rate = base_rate + _rigid(spin, spin_rate, start - base)
        base = start
        for joint in range(first, last + 1):
            rate = axes[joint] * velocity[:, joint, None]
            spin_rate = spin_rate + axes[joint] * acceleration[:, joint, None] \
                + numpy.cross(spin, rate)
            spin = spin + rate
        first = last + 1
        force = mass * (base_rate + _rigid(spin, spin_rate, centre - start))
        moment = apply(inertia, spin_rate) + numpy.cross(spin, apply(inertia, spin))
        for j in range(last + 1):
            pivot = numpy.zeros((n, 3)) if j < 3 else rods[1][1]
            about = moment + numpy.cross(centre - pivot, force)
            found[:, j] += (axes[j] * about).sum(1)
    return found


def _rigid(spin, spin_rate, offset):
    """The acceleration of a point of a turning body, seen from its base."""
    return numpy.cross(spin_rate, offset) + numpy.cross(spin, numpy.cross(spin, offset))


def accelerations(q, velocity, torque, gravity=GRAVITY):
    """q" (N, 4)"""
    still, zero = numpy.zeros_like(q), torques(q, velocity, numpy.zeros_like(q), gravity)
    columns = [torques(q, still, numpy.tile(unit, (len(q), 1)), 0) for unit in numpy.eye(4)]
    mass = numpy.stack(columns, 2)
    return numpy.linalg.solve(mass, (torque - zero)[:, :, None])[:, :, 0]


def energy(q, velocity, gravity=GRAVITY):
    """Kinetic and potential together (N): what is kept where no torque acts."""
    rods, axes = bodies(q)
    spin, at_base = numpy.zeros((len(q), 3)), numpy.zeros((len(q), 3))
    total, first, base = MOTOR * (velocity ** 2).sum(1) / 2, 0, numpy.zeros((len(q), 3))
    for last, start, centre, mass, inertia in rods:
        at_base = at_base + numpy.cross(spin, start - base)
        base = start
        for joint in range(first, last + 1):
            spin = spin + axes[joint] * velocity[:, joint, None]
        first = last + 1
        speed = at_base + numpy.cross(spin, centre - start)
        total = total + mass * (speed ** 2).sum(1) / 2 + (spin * apply(inertia, spin)).sum(1) / 2 \
            + mass * gravity * centre[:, 2]
    return total
