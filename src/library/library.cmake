# SPDX-License-Identifier: BSD-3-Clause
# libcoterie, shared and static: the predictor for other programs. It shares its sources with the
# programs, links nothing of theirs but HDF5, and only names that begin with coterie_ leave it.
file(GLOB_RECURSE predictor_sources CONFIGURE_DEPENDS
  src/base/*.c src/math/gamma_functions.c src/math/softmax.c src/math/portable_softmax.c src/data/hdf5/*.c src/data/samples/*.c src/data/source/gap_inputs.c src/model/*.c src/checkpoint/*.c
  src/predict/*.c)

# An archive, of which the linker takes what is needed.
add_library(coterie_parts STATIC ${predictor_sources})
add_library(coterie_face OBJECT src/library/coterie.c src/library/target_ends.c src/library/alone.c)
foreach(target coterie_parts coterie_face)
  set_target_properties(${target} PROPERTIES
    C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${target} PRIVATE coterie_flags)
  target_include_directories(${target} PRIVATE include)
  # Checkpoints are read as doubles, which hold either precision; networks compute in their own.
  target_compile_definitions(${target} PRIVATE COTERIE_DOUBLE XXH_INLINE_ALL
    COTERIE_NO_ASSERT)
  # The library does without libmvec.
  target_compile_options(${target} PRIVATE
    -ffunction-sections -fdata-sections -UCOTERIE_LIBMVEC)
endforeach()

add_library(coterie_shared SHARED $<TARGET_OBJECTS:coterie_face>)
set_target_properties(coterie_shared PROPERTIES EXPORT_NAME coterie
  OUTPUT_NAME coterie VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_include_directories(coterie_shared PUBLIC
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Named by its file: what it is built with is no business of those who link the library.
add_dependencies(coterie_shared coterie_parts)
target_link_libraries(coterie_shared PRIVATE
  $<TARGET_FILE:coterie_parts> ${HDF5_C_LIBRARIES} Threads::Threads m)
target_link_options(coterie_shared PRIVATE
  -Wl,--gc-sections -Wl,--no-undefined -Wl,--as-needed -Wl,--exclude-libs,ALL)
set_property(TARGET coterie_shared APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:coterie_parts>)

# The static one: one object, in which all other names are local.
set(static_object ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.o)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.a
  COMMAND ${CMAKE_LINKER} -r -o ${static_object} $<TARGET_OBJECTS:coterie_face>
    $<TARGET_FILE:coterie_parts>
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${static_object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.a
  COMMAND ${CMAKE_AR} rcs ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.a ${static_object}
  DEPENDS coterie_face coterie_parts $<TARGET_OBJECTS:coterie_face>
  COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(coterie_static ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.a)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libcoterie.a DESTINATION ${CMAKE_INSTALL_LIBDIR})

# What other builds find: coterie.h, coterie.pc, find_package(Coterie), the Python package.
include(CMakePackageConfigHelpers)
install(TARGETS coterie_shared EXPORT CoterieTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/coterie.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT CoterieTargets NAMESPACE Coterie:: FILE CoterieConfig.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Coterie)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/CoterieConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/CoterieConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Coterie)
file(RELATIVE_PATH path_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix) # it can be moved
configure_file(src/library/coterie.pc.in ${CMAKE_CURRENT_BINARY_DIR}/coterie.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coterie.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY src/bindings/python/coterie DESTINATION ${CMAKE_INSTALL_LIBDIR}/coterie/python
  FILES_MATCHING PATTERN "*.py")
