# SPDX-License-Identifier: BSD-3-Clause
# JSON as the program writes it.

json_pattern <- '"(?:[^"\\\\]|\\\\.)*"|[][{}:,]|[^][{}:,[:space:]"]+'

# Objects become named lists, arrays lists (see json_array), null NA.
from_json <- function(text) {
  text <- paste(text, collapse = "\n")
  token <- regmatches(text, gregexpr(json_pattern, text, perl = TRUE))[[1]]
  closing <- which(token == "]")
  at <- 0L
  take <- function() {
    at <<- at + 1L
    token[at]
  }
  skip <- function(mark) {
    is_next <- token[at + 1L] == mark
    if (is_next) at <<- at + 1L
    is_next
  }
  value <- function() switch(first <- take(), "{" = object(), "[" = array(), scalar(first))
  object <- function() {
    names <- character()
    values <- list()
    while (!skip("}")) {
      names <- c(names, json_text(take()))
      take() # the colon
      values[length(values) + 1L] <- list(value())
      skip(",")
    }
    setNames(values, names)
  }
  array <- function() {
    # Numbers in one go: the parameters of a large model are nothing else.
    if (grepl("^[-0-9n]", token[at + 1L])) {
      end <- closing[findInterval(at, closing) + 1L]
      inside <- token[(at + 1L):(end - 1L)]
      at <<- end
      return(json_numbers(inside[inside != ","]))
    }
    values <- list()
    while (!skip("]")) {
      values[length(values) + 1L] <- list(value())
      skip(",")
    }
    values
  }
  scalar <- function(first) {
    if (startsWith(first, "\"")) json_text(first)
    else switch(first, true = TRUE, false = FALSE, json_numbers(first))
  }
  value()
}

json_numbers <- function(words) {
  words[words == "null"] <- NA_character_
  as.numeric(words)
}

json_text <- function(word) {
  text <- substr(word, 2L, nchar(word) - 1L)
  found <- gregexpr("\\\\(u[0-9a-fA-F]{4}|.)", text)
  regmatches(text, found) <- lapply(regmatches(text, found), function(escapes)
    vapply(escapes, json_escape, ""))
  text
}

json_escape <- function(escape) {
  kind <- substr(escape, 2L, 2L)
  switch(kind, n = "\n", t = "\t", r = "\r", b = "\b", f = "\f",
         u = intToUtf8(strtoi(substring(escape, 3L), 16L)), kind)
}

# Lists in lists of numbers as an array, outermost dimension first.
json_array <- function(nested) {
  dims <- integer()
  inner <- nested
  while (is.list(inner)) {
    dims <- c(dims, length(inner))
    inner <- if (length(inner)) inner[[1]] else numeric()
  }
  dims <- c(dims, length(inner))
  aperm(array(as.numeric(unlist(nested)), rev(dims)), rev(seq_along(dims)))
}
