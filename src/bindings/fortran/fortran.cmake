# SPDX-License-Identifier: BSD-3-Clause
# The Fortran module, where there is a Fortran compiler: libcoterie_fortran.a and coterie.mod. What the
# module file is like depends on the compiler, so the source is installed, too.
install(FILES src/bindings/fortran/coterie.f90 DESTINATION ${CMAKE_INSTALL_LIBDIR}/coterie/fortran)
include(CheckLanguage)
check_language(Fortran)
if(NOT CMAKE_Fortran_COMPILER)
  message(STATUS "No Fortran compiler (Debian: gfortran): the module is installed as source only")
  return()
endif()
enable_language(Fortran)
set(modules ${CMAKE_CURRENT_BINARY_DIR}/fortran)
add_library(coterie_fortran STATIC src/bindings/fortran/coterie.f90)
set_target_properties(coterie_fortran PROPERTIES EXPORT_NAME fortran
  Fortran_MODULE_DIRECTORY ${modules} POSITION_INDEPENDENT_CODE ON)
target_compile_options(coterie_fortran PRIVATE
  $<$<Fortran_COMPILER_ID:GNU>:-std=f2008 -Wall -Wextra -Wno-compare-reals>)
target_include_directories(coterie_fortran INTERFACE
  $<BUILD_INTERFACE:${modules}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_LIBDIR}/coterie/fortran>)
target_link_libraries(coterie_fortran PUBLIC coterie_shared)
install(TARGETS coterie_fortran EXPORT CoterieTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${modules}/coterie.mod DESTINATION ${CMAKE_INSTALL_LIBDIR}/coterie/fortran)
