# SPDX-License-Identifier: BSD-3-Clause

coterie <- function(formula, data, experts = 4, ..., weights, subset, na.action, groups,
                    contrasts = NULL, ranks = NULL) {
  call <- match.call()
  all_terms <- formula_terms(formula, if (missing(data)) NULL else data)
  frame <- match.call(expand.dots = FALSE)
  frame <- frame[c(1L, match(c("data", "subset", "weights", "na.action", "groups"), names(frame), 0L))]
  frame$formula <- all_terms$all
  frame$drop.unused.levels <- TRUE
  frame[[1L]] <- quote(stats::model.frame)
  frame <- eval(frame, parent.frame())

  object <- list(call = call, formula = formula, contrasts = contrasts,
                 terms = list(experts = all_terms$experts, gate = all_terms$gate,
                              all = attr(frame, "terms")),
                 model = frame, na.action = attr(frame, "na.action"))
  inputs <- inputs_of(object, frame)
  check_finite(inputs$x, may_lack = anyNA(frame))
  object$contrasts <- inputs$contrasts
  object$xlevels <- .getXlevels(object$terms$all, frame)
  object$inputs <- inputs[c("experts", "gate")]
  object$columns <- colnames(inputs$x)
  response <- response_of(model.response(frame), deparse_one(formula[[2L]]))
  object[c("levels", "labels")] <- response[c("levels", "labels")]
  check_weights(model.weights(frame))
  options <- with_defaults(list(...), experts, missing(experts), is.null(response$levels))
  structure(train(object, options, ranks), class = "coterie")
}

# Without a word about the method: the model that the formula says, by maximum likelihood.
with_defaults <- function(options, experts, experts_is_missing, is_numeric) {
  if (length(options)) names(options) <- gsub(".", "_", names(options), fixed = TRUE)
  chooses <- !is.null(options$effort) || isTRUE(options$auto) || identical(options$auto, "on")
  if (!(chooses && experts_is_missing)) options$experts <- experts
  takes_charge <- c("auto", "effort", "optimizer", "epochs", "error", "init", "committee")
  if (any(takes_charge %in% names(options))) return(options)
  defaults <- list(optimizer = "em", starts = 10, epochs = 1000, stop_likelihood = 1e-10)
  if (is_numeric && (is.null(options$likelihood) || options$likelihood == "gaussian"))
    defaults$variance <- "learned"
  c(options, defaults[setdiff(names(defaults), names(options))])
}

check_weights <- function(weight) {
  if (!is.null(weight) && !is.numeric(weight)) stop("weights must be numbers, 0 or above", call. = FALSE)
  if (any(!is.finite(weight) | weight < 0))
    stop("weights must be numbers, 0 or above", call. = FALSE)
  if (!is.null(weight) && all(weight == 0)) stop("all weights are 0", call. = FALSE)
}

# The options that give the gate other inputs than the experts.
input_options <- function(inputs) {
  wanted <- c(if (!setequal(inputs$gate, union(inputs$gate, inputs$experts))) "gate-inputs",
              if (!setequal(inputs$experts, union(inputs$gate, inputs$experts))) "expert-inputs")
  if (!length(union(inputs$gate, inputs$experts)))
    stop("the formula has no inputs", call. = FALSE)
  missing <- setdiff(wanted, train_options())
  if (length(missing))
    stop("this formula gives gate and experts inputs of their own, and ", coterie_program(),
         " has no option --", missing[1], ": take a newer version, or give both the same inputs, y ~ x1 + x2 + w",
         call. = FALSE)
  names <- list("gate-inputs" = inputs$gate, "expert-inputs" = inputs$experts)
  unlist(lapply(wanted, function(option)
    c(paste0("--", option), if (length(names[[option]])) name_list(names[[option]]) else "none")))
}

# offset(log(time)) in the formula is a column that no coefficient belongs to.
offset_option <- function(object) {
  if (is.null(model.offset(object$model))) return(NULL)
  if (!"offset" %in% train_options())
    stop("this formula has an offset, and ", coterie_program(), " has no option --offset: take a newer version",
         call. = FALSE)
  c("--offset", offset_column)
}

# The rows of the fit as the program reads them: its columns, and the options that name them.
training_table <- function(object) {
  frame <- object$model
  response <- response_of(model.response(frame), deparse_one(object$formula[[2L]]))$columns
  columns <- c(as_columns(inputs_of(object, frame)$x), response)
  names(columns) <- make.unique(names(columns), " ")
  weight <- model.weights(frame)
  groups <- frame[["(groups)"]]
  used <- if (is.null(weight)) rep(TRUE, nrow(frame)) else weight > 0
  # Weights that are all the same are no column: then they count in likelihoods only, as `each`.
  varies <- length(unique(weight[used])) > 1L
  beside <- list("(weight)" = if (varies) weight, "(group)" = if (!is.null(groups)) paste0("group", as.integer(factor(groups))))
  beside <- beside[!vapply(beside, is.null, TRUE)]
  list(columns = columns, targets = utils::tail(names(columns), length(response)),
       used = lapply(c(columns, beside), function(column) column[used]),
       roles = unlist(lapply(names(beside), function(name) c(paste0("--", gsub("[()]", "", name)), name))),
       each = if (is.null(weight) || varies) 1 else weight[used][1L])
}

as_columns <- function(matrix) setNames(lapply(seq_len(ncol(matrix)), function(k) matrix[, k]), colnames(matrix))

# Trains; returns the object with what was found.
train <- function(object, options, ranks) {
  folder <- tempfile("coterie-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  data <- file.path(folder, "data.csv")
  run <- file.path(folder, "run")
  table <- training_table(object)
  write_table(table$used, data)
  run_program(c("train", "--data", data, "--targets", name_list(table$targets), table$roles,
                input_options(object$inputs), offset_option(object), option_arguments(options, folder), "--output", run, "--quiet"), ranks)

  best <- file.path(run, "checkpoints", c("best", "latest"))
  best <- best[file.exists(best)][1L]
  object$checkpoint <- read_bytes(best)
  object$history <- read_history(file.path(run, "metrics.jsonl"))
  object$description <- describe_checkpoint(best)
  object$part <- if (is.null(options$valid)) "all" else "train"
  object$measured <- measure(best, c("--data", data, table$roles, "--part", object$part))
  object$measured$weight <- object$measured$weight * table$each
  found <- run_predict(object, table$columns)
  object$fitted.values <- found$mean
  c(object, found[c("variance", "gate", "posterior")])
}

read_history <- function(path) {
  rows <- lapply(readLines(path), function(line) {
    row <- from_json(line)
    row[vapply(row, is.list, TRUE)] <- NA
    as.data.frame(row)
  })
  do.call(rbind, rows)
}

# What `coterie evaluate` says of the samples that were learned from.
measure <- function(checkpoint, arguments) {
  found <- from_json(run_program(c("evaluate", checkpoint, arguments, "--json")))
  numbers <- c("mean_g", "mean_h", "first_for")
  experts <- t(vapply(found$experts, function(expert) unlist(expert[numbers]), numeric(3)))
  list(nll = found$nll, weight = found$weight, n = found$n, rmse = found$rmse, accuracy = found$accuracy,
       experts = experts)
}
