# SPDX-License-Identifier: BSD-3-Clause
# Runs the program `coterie`: where it is, its options, its tables in and out.

# R computes in double precision, and so does coterie_d: it is looked for first.
coterie_program <- function(must_exist = TRUE) {
  named <- c(getOption("coterie.program"), Sys.getenv("COTERIE"))
  named <- named[nzchar(named)]
  found <- unname(Sys.which(if (length(named)) named[1L] else c("coterie_d", "coterie")))
  found <- c(found[nzchar(found)], "")[1L]
  if (!nzchar(found) && must_exist)
    stop(if (length(named)) paste("there is no program", named[1L])
         else "there is no program coterie_d or coterie on the PATH",
         "; name it by options(coterie.program = \"/path/to/coterie_d\") or in the variable COTERIE", call. = FALSE)
  found
}

mpirun <- function(ranks) {
  if (is.null(ranks)) return(character())
  if (!is.numeric(ranks) || length(ranks) != 1 || is.na(ranks) || ranks < 1 || ranks != round(ranks))
    stop("ranks must be a number of processes, such as 4", call. = FALSE)
  options <- strsplit(Sys.getenv("MPIRUN_OPTIONS"), " +")[[1]]
  c(Sys.getenv("MPIRUN", "mpirun"), options[nzchar(options)], "-n", format(ranks))
}

# What the program prints. Its errors stop, and its warnings warn.
run_program <- function(arguments, ranks = NULL) {
  said <- tempfile("coterie-", fileext = c(".out", ".err"))
  on.exit(unlink(said))
  command <- c(mpirun(ranks), coterie_program(), arguments)
  code <- suppressWarnings(system2(command[1], shQuote(command[-1]), stdin = "/dev/null",
                                   stdout = said[1], stderr = said[2]))
  lines <- readLines(said[2], warn = FALSE, encoding = "UTF-8")
  if (code != 0) {
    problem <- sub(": error: ", ": ", grep("^coterie[a-z_]*: error: ", lines, value = TRUE))
    if (!length(problem))
      problem <- if (length(lines)) utils::tail(lines, 5) else paste(command[1], "cannot be started")
    stop(paste(problem, collapse = "\n"), " (exit code ", code, ")", call. = FALSE)
  }
  for (line in grep("^coterie[a-z_]*: warning: ", lines, value = TRUE))
    warning(sub(": warning: ", ": ", line), call. = FALSE)
  readLines(said[1], warn = FALSE, encoding = "UTF-8")
}

# Names of the options of `coterie train`, and of its commands, of which a newer program has more.
train_options <- function() {
  help <- help_of("train")
  sub("^ +--", "", regmatches(help, regexpr("^ +--[a-z0-9-]+", help)))
}

has_command <- function(command) any(grepl(paste0("^ +", command, "( |$)"), help_of(NULL)))

help_of <- function(command) {
  key <- paste(coterie_program(), command)
  if (is.null(known_help[[key]])) known_help[[key]] <- run_program(c(command, "--help"))
  known_help[[key]]
}
known_help <- new.env()

# What coterie() sets itself, and how to say it there.
own_options <- c(data = "data", targets = "the formula", inputs = "the formula", exclude = "the formula",
                 categories = "factors", gate_inputs = "the formula, behind |", expert_inputs = "the formula",
                 weight = "weights", group = "groups", missing = "na.action", output = "coterie_save()",
                 resume = "init = MODEL", config = "arguments", task = "the class of the response",
                 dry_run = "the program alone", quiet = "the program alone", help = "?coterie")

option_arguments <- function(options, folder) {
  given <- names(options)
  if (length(options) && (is.null(given) || any(!nzchar(given))))
    stop("options of the program need names, such as starts = 5", call. = FALSE)
  names(options) <- key <- gsub(".", "_", given, fixed = TRUE)
  for (name in intersect(key, names(own_options)))
    stop("`", name, "` is not an option here; it is the business of ", own_options[[name]], call. = FALSE)
  options <- options[!vapply(options, is.null, TRUE)]
  unlist(lapply(names(options), function(name)
    c(paste0("--", gsub("_", "-", name)), option_text(options[[name]], name, folder))))
}

# The value of an option as text: c(32, 32) is 32,32, and a fitted model a file.
option_text <- function(value, name, folder) {
  if (inherits(value, "coterie")) return(coterie_save(value, file.path(folder, paste0(name, ".h5"))))
  if (is.logical(value)) return(ifelse(value, "on", "off"))
  if (!is.numeric(value) && !is.character(value))
    stop("`", name, "` must be a number or text", call. = FALSE)
  if (is.numeric(value)) value <- vapply(value, number_text, "")
  paste(value, collapse = ",")
}

number_text <- function(number) {
  if (number == round(number) && abs(number) < 1e15) sprintf("%.0f", number)
  else format(number, digits = 15)
}

# Lists of names as the program reads them.
name_list <- function(names) {
  special <- grepl("[,\" ]", names)
  names[special] <- quoted(names[special])
  paste(names, collapse = ",")
}

quoted <- function(text) paste0("\"", gsub("\"", "\"\"", text, fixed = TRUE), "\"")

# A list or data frame of columns as CSV, numbers with all their digits.
write_table <- function(columns, path) {
  cells <- lapply(columns, function(column)
    if (is.numeric(column)) sprintf("%.17g", column) else quoted(enc2utf8(as.character(column))))
  header <- paste(quoted(enc2utf8(names(columns))), collapse = ",")
  writeLines(c(header, do.call(paste, c(unname(cells), sep = ","))), path, useBytes = TRUE)
}

# What `coterie predict` wrote: numbers, but for the column class.
read_predictions <- function(path) {
  header <- names(read.csv(path, nrows = 1L, check.names = FALSE, encoding = "UTF-8"))
  read.csv(path, check.names = FALSE, encoding = "UTF-8", na.strings = character(),
           colClasses = ifelse(header == "class", "character", "numeric"))
}

# Runs with a checkpoint of these bytes in a folder of its own, which use(path, folder) may fill.
with_checkpoint <- function(content, use) {
  folder <- tempfile("coterie-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  path <- file.path(folder, "model.h5")
  writeBin(content, path)
  use(path, folder)
}

read_bytes <- function(path) readBin(path, "raw", file.size(path))

describe_checkpoint <- function(path) from_json(run_program(c("inspect", path, "--json")))
