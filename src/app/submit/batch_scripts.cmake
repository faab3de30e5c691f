# SPDX-License-Identifier: BSD-3-Clause
# Makes the batch scripts in slurm/ part of the program, for `coterie submit`: what it writes must
# not depend on where, or whether, they are installed.
file(GLOB batch_scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/slurm/*.sbatch)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${batch_scripts})
set(batch_text "/* Generated from slurm/: name, then the lines of the script */\n")
foreach(script IN LISTS batch_scripts)
  get_filename_component(name ${script} NAME)
  file(READ ${script} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n\"" text "${text}")
  string(APPEND batch_text "{\"${name}\", \"${text}\"},\n")
endforeach()
file(CONFIGURE OUTPUT generated/batch_scripts.inc CONTENT "${batch_text}" @ONLY)
