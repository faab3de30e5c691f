# SPDX-License-Identifier: BSD-3-Clause
# Spack recipe. In the root of a clone of Coterie:
#     spack repo add scripts/packaging/spack
#     spack dev-build coterie@main
from spack.package import *


class Coterie(CMakePackage):
    """Trains adaptive mixtures of local experts (Jacobs, Jordan, Nowlan & Hinton 1991) over MPI:
    a gating network on rank 0 and experts divided among all ranks. With libcoterie, which predicts
    in programs in C, Fortran and Python."""

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("native", default=False, description="Compile for this machine's processor only")

    variant("fortran", default=True, description="The Fortran module, besides its source")

    depends_on("c", type="build")
    depends_on("fortran", type="build", when="+fortran")
    depends_on("cmake@3.21:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi@3:")
    # One BLAS thread per rank is fastest, and equal bits ask for it.
    depends_on("openblas threads=none")
    # The serial interface alone is used; either build will do.
    depends_on("hdf5@1.10:")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("libcsv")
    depends_on("xxhash")
    # Optional: faster products of small blocks.
    depends_on("libxsmm", when="target=x86_64:")
    # Optional: `coterie export` to .npz. For .onnx Spack has no onnx.proto without all of ONNX.
    depends_on("libzip")

    def cmake_args(self):
        return [
            self.define("COTERIE_TESTS", False),
            self.define_from_variant("COTERIE_NATIVE", "native"),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(self.prefix.bin.join("coterie-selftest"))()
