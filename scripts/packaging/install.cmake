# SPDX-License-Identifier: BSD-3-Clause
# What `cmake --install` puts beside the programs. README.md in this folder has the list.
install(DIRECTORY slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/coterie/slurm
  USE_SOURCE_PERMISSIONS)
# Tests what is installed.
install(PROGRAMS scripts/packaging/selftest DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME coterie-selftest)
# The R package as source: R CMD INSTALL PREFIX/share/coterie/r.
install(DIRECTORY src/bindings/r/ DESTINATION ${CMAKE_INSTALL_DATADIR}/coterie/r)
install(FILES README.md LICENSE CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN develop EXCLUDE)
install(DIRECTORY examples findings DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)
install(FILES scripts/packaging/completion.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME coterie)

# The module file names the prefix, which `cmake --install --prefix` may still change.
install(CODE "
  set(PROJECT_VERSION ${PROJECT_VERSION})
  set(CMAKE_INSTALL_BINDIR ${CMAKE_INSTALL_BINDIR})
  set(CMAKE_INSTALL_MANDIR ${CMAKE_INSTALL_MANDIR})
  set(CMAKE_INSTALL_DATADIR ${CMAKE_INSTALL_DATADIR})
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/scripts/packaging/modulefile.in
    ${CMAKE_CURRENT_BINARY_DIR}/modulefile @ONLY)")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/modulefile
  DESTINATION ${CMAKE_INSTALL_DATADIR}/coterie/modulefiles/coterie RENAME ${PROJECT_VERSION})

# The manual pages are what --help says. Where the program cannot run (a cross build) there are none.
install(CODE "
  set(pages ${CMAKE_CURRENT_BINARY_DIR}/manual)
  file(REMOVE_RECURSE \${pages})
  execute_process(COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/scripts/packaging/make-manual
      $<TARGET_FILE:coterie> ${PROJECT_VERSION} \${pages}
    RESULT_VARIABLE code)
  if(code EQUAL 0)
    file(INSTALL \${pages}/ DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
  else()
    message(STATUS \"No manual pages: coterie --help did not run\")
  endif()")
