# SPDX-License-Identifier: BSD-3-Clause
# libcoterie, shared and static: the predictor for other programs. It shares its sources with the
# programs and links nothing of theirs but HDF5; only names that begin with coterie_ leave it.
set(predictor_sources
  src/base/memory.c src/base/memory_cgroup.c src/base/rng.c src/base/status.c
  src/base/string_list.c
  src/data/hdf5/hdf5_attribute.c src/data/hdf5/hdf5_bytes.c src/data/hdf5/hdf5_dataset.c
  src/data/hdf5/hdf5_file.c src/data/hdf5/hdf5_object.c src/data/hdf5/hdf5_stored.c
  src/data/hdf5/hdf5_strings.c
  src/data/samples/scaler.c
  src/model/gaussian_gate_layout.c src/model/mlp.c src/model/model_config.c
  src/model/normal_mixture.c src/model/optimizer_kind.c src/model/parameters.c
  src/checkpoint/checkpoint_checksum.c src/checkpoint/checkpoint_layout.c
  src/checkpoint/checkpoint_read.c src/checkpoint/history.c src/checkpoint/record.c
  src/checkpoint/snapshot.c
  src/predict/pass_double.c src/predict/pass_float.c src/predict/predictor_compute.c
  src/predict/predictor_density.c src/predict/predictor_jacobian.c src/predict/predictor_open.c
  src/predict/recorded_model.c
  src/library/alone.c src/library/coterie.c)
add_library(coterie_objects OBJECT ${predictor_sources})
set_target_properties(coterie_objects PROPERTIES
  C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
target_include_directories(coterie_objects PRIVATE include)
target_link_libraries(coterie_objects PRIVATE coterie_flags)
# Checkpoints are read as doubles, which hold either precision; the networks compute in their own.
target_compile_definitions(coterie_objects PRIVATE COTERIE_DOUBLE XXH_INLINE_ALL
  "COTERIE_ASSERT(condition)=((void)0)")
target_compile_options(coterie_objects PRIVATE -ffunction-sections -fdata-sections)

add_library(coterie_shared SHARED $<TARGET_OBJECTS:coterie_objects>)
set_target_properties(coterie_shared PROPERTIES
  OUTPUT_NAME coterie VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_include_directories(coterie_shared PUBLIC
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_link_libraries(coterie_shared PRIVATE ${HDF5_C_LIBRARIES} m)
target_link_options(coterie_shared PRIVATE -Wl,--gc-sections -Wl,--no-undefined -Wl,--as-needed)
