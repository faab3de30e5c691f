# SPDX-License-Identifier: BSD-3-Clause
# What `export` writes with libraries that need not be there: .npz with libzip, .onnx with
# protobuf-c and the description of the format, onnx.proto.
set(export_libraries "")

pkg_check_modules(ZIP IMPORTED_TARGET libzip)
if(ZIP_FOUND)
  list(APPEND export_libraries PkgConfig::ZIP)
  set_source_files_properties(src/export/export_npz.c PROPERTIES COMPILE_DEFINITIONS COTERIE_LIBZIP)
else()
  message(STATUS "No libzip (Debian: libzip-dev): export cannot write .npz")
endif()

pkg_check_modules(PROTOBUF_C IMPORTED_TARGET libprotobuf-c)
find_program(PROTOC_C protoc-c)
find_path(ONNX_PROTO_DIR onnx/onnx.proto)
if(PROTOBUF_C_FOUND AND PROTOC_C AND ONNX_PROTO_DIR)
  set(onnx_source ${CMAKE_CURRENT_BINARY_DIR}/generated/onnx/onnx.pb-c.c)
  add_custom_command(OUTPUT ${onnx_source} ${CMAKE_CURRENT_BINARY_DIR}/generated/onnx/onnx.pb-c.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/generated
    COMMAND ${PROTOC_C} -I${ONNX_PROTO_DIR} --c_out=${CMAKE_CURRENT_BINARY_DIR}/generated onnx/onnx.proto
    DEPENDS ${ONNX_PROTO_DIR}/onnx/onnx.proto VERBATIM)
  add_library(onnx_proto STATIC ${onnx_source})
  target_include_directories(onnx_proto SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
  target_link_libraries(onnx_proto PUBLIC PkgConfig::PROTOBUF_C)
  list(APPEND export_libraries onnx_proto)
  set_source_files_properties(src/export/export_onnx.c src/export/onnx_builder.c src/export/onnx_gate.c
    src/export/onnx_graph.c
    PROPERTIES COMPILE_DEFINITIONS COTERIE_ONNX)
else()
  message(STATUS "No protobuf-c with onnx.proto (Debian: libprotobuf-c-dev, protobuf-c-compiler, "
    "libonnx-dev): export cannot write .onnx")
endif()
