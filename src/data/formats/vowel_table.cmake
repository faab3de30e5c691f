# SPDX-License-Identifier: BSD-3-Clause
# Turns the table of Peterson & Barney (1952) into rows of a C array, so that the program carries
# its demonstration data and the repository keeps it in a form that any tool can read.
set(vowel_csv ${CMAKE_CURRENT_LIST_DIR}/peterson_barney.csv)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${vowel_csv})
file(STRINGS ${vowel_csv} vowel_rows)
list(POP_FRONT vowel_rows)
set(vowel_text "/* Generated from src/data/formats/peterson_barney.csv: type, speaker, vowel, F0, F1, F2, F3 */\n")
foreach(row IN LISTS vowel_rows)
  string(REGEX REPLACE
    "^([mwc]),[mf],([0-9]+),([a-z]+),[^,]*,([0-9.]+),([0-9.]+),([0-9.]+),([0-9.]+)$"
    "{'\\1', \\2, \"\\3\", {\\4, \\5, \\6, \\7}},\n" line "${row}")
  string(APPEND vowel_text "${line}")
endforeach()
file(CONFIGURE OUTPUT generated/vowel_table.inc CONTENT "${vowel_text}" @ONLY)
