# SPDX-License-Identifier: BSD-3-Clause
"""libcoterie by ctypes: where it is, and the types of its functions. coterie.h is the manual."""
import ctypes
import ctypes.util
import os
import pathlib

OK, FAILED, USAGE, WORKSPACE, NOT_FINITE = range(5)


class Prediction(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p)
                for name in ("mean", "variance", "probability", "proportion", "expert")]


MODEL, SIZE, ARRAY = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
FUNCTIONS = {
    "version": (ctypes.c_char_p, []),
    "model_open": (ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(MODEL), ctypes.c_char_p, SIZE]),
    "model_close": (None, [MODEL]),
    "n_inputs": (SIZE, [MODEL]),
    "n_experts": (SIZE, [MODEL]),
    "n_targets": (SIZE, [MODEL]),
    "n_classes": (SIZE, [MODEL]),
    "input_name": (ctypes.c_char_p, [MODEL, SIZE]),
    "input_range": (ctypes.c_int, [MODEL, SIZE, ARRAY, ARRAY]),
    "input_unit": (ctypes.c_char_p, [MODEL, SIZE]),
    "target_name": (ctypes.c_char_p, [MODEL, SIZE]),
    "target_unit": (ctypes.c_char_p, [MODEL, SIZE]),
    "class_name": (ctypes.c_char_p, [MODEL, SIZE]),
    "workspace": (SIZE, [MODEL, SIZE]),
    "predict": (ctypes.c_int, [MODEL, SIZE, ARRAY, ctypes.POINTER(Prediction), ctypes.c_void_p]),
    "log_density": (ctypes.c_int, [MODEL, SIZE, ARRAY, ARRAY, ARRAY, ctypes.c_void_p]),
    "quantile": (ctypes.c_int, [MODEL, SIZE, ARRAY, SIZE, ctypes.c_double, ARRAY,
                                ctypes.c_void_p]),
    "conformal_interval": (ctypes.c_int, [MODEL, SIZE, ARRAY, SIZE, ctypes.c_double, ARRAY, ARRAY,
                                          ctypes.c_void_p]),
    "jacobian": (ctypes.c_int, [MODEL, SIZE, ARRAY, ARRAY, ctypes.c_void_p]),
}


def candidates():
    """Where the library may be: said so, beside this package, in a build tree, installed."""
    if "COTERIE_LIBRARY" in os.environ:
        yield os.environ["COTERIE_LIBRARY"]
        return
    here = pathlib.Path(__file__).resolve().parent
    for folder in (here, *(parent / "build" for parent in here.parents),
                   *(parent for parent in here.parents if parent.name.startswith("lib"))):
        for name in ("libcoterie.so", "libcoterie.so.0", "libcoterie.dylib"):
            if (folder / name).is_file():
                yield str(folder / name)
    yield ctypes.util.find_library("coterie") or "libcoterie.so.0"


def open_library():
    problem = None
    for path in candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            problem = error
            continue
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, "coterie_" + name)
            function.restype, function.argtypes = result, arguments
        return library
    raise ImportError(f"libcoterie cannot be loaded ({problem}); install it with "
                      "`cmake --install build`, or name it in the variable COTERIE_LIBRARY")


library = open_library()
