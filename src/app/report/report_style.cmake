# SPDX-License-Identifier: BSD-3-Clause
# Makes report.css part of the program: a report is one file.
set(style_file ${CMAKE_CURRENT_SOURCE_DIR}/src/app/report/report.css)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${style_file})
file(READ ${style_file} style_text)
string(REPLACE "\\" "\\\\" style_text "${style_text}")
string(REPLACE "\"" "\\\"" style_text "${style_text}")
string(REPLACE "\n" "\\n\"\n\"" style_text "${style_text}")
file(CONFIGURE OUTPUT generated/report_style.inc CONTENT
  "/* Generated from src/app/report/report.css */\n\"${style_text}\"\n" @ONLY)
