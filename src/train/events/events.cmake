# SPDX-License-Identifier: BSD-3-Clause
# Event files for TensorBoard, with protobuf-c, which need not be there.
if(PROTOBUF_C_FOUND AND PROTOC_C)
  set(event_source ${CMAKE_CURRENT_BINARY_DIR}/generated/event.pb-c.c)
  add_custom_command(OUTPUT ${event_source} ${CMAKE_CURRENT_BINARY_DIR}/generated/event.pb-c.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/generated
    COMMAND ${PROTOC_C} -I${CMAKE_CURRENT_SOURCE_DIR}/src/train/events
      --c_out=${CMAKE_CURRENT_BINARY_DIR}/generated event.proto
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/train/events/event.proto VERBATIM)
  add_library(event_proto STATIC ${event_source})
  target_include_directories(event_proto SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
  target_link_libraries(event_proto PUBLIC PkgConfig::PROTOBUF_C)
  list(APPEND export_libraries event_proto)
  set_source_files_properties(src/train/events/event_file.c PROPERTIES COMPILE_DEFINITIONS COTERIE_EVENTS)
else()
  message(STATUS "No protobuf-c (Debian: libprotobuf-c-dev, protobuf-c-compiler): no train --tensorboard")
endif()
