# SPDX-License-Identifier: BSD-3-Clause

prediction_types <- c("mean", "response", "variance", "class", "probability", "interval", "gate", "experts")

predict.coterie <- function(object, newdata, type = NULL, level = 0.95, na.action = na.pass, ...) {
  if (is.null(type)) type <- if (is_classifier(object)) "class" else "mean"
  type <- match.arg(type, prediction_types)
  if (type == "response") type <- "mean"
  check_type(object, type)
  if (type == "interval" && !(is.numeric(level) && length(level) == 1L && level > 0 && level < 1))
    stop("level must lie between 0 and 1", call. = FALSE)
  columns <- prediction_columns(object, if (!missing(newdata)) newdata, na.action)
  complete <- complete_rows(object, columns$columns)
  if (!any(complete)) stop("no row without missing values to predict", call. = FALSE)
  rows <- lapply(columns$columns, function(column) column[complete])
  found <- run_predict(object, rows, if (type == "interval") level)
  result <- if (type == "interval") interval_of(found) else found[[type]]
  result <- with_rows(result, complete, columns$names)
  if (missing(newdata)) naresid(object$na.action, result) else result
}

# Rows with all values, but for those that the model has learned to do without: it has an input missing(NAME).
complete_rows <- function(object, columns) {
  inputs <- unlist(object$description$inputs)
  learned <- paste0("missing(", names(columns), ")") %in% inputs
  if (all(learned)) return(rep(TRUE, length(columns[[1L]])))
  Reduce(`&`, lapply(columns[!learned], function(column) !is.na(column)))
}

is_classifier <- function(object) length(object$description$classes) > 0

check_type <- function(object, type) {
  for_numbers <- c("variance", "interval")
  for_classes <- c("class", "probability")
  if (is_classifier(object) && type %in% for_numbers)
    stop("type \"", type, "\" is for numeric responses; this model has classes", call. = FALSE)
  if (!is_classifier(object) && type %in% for_classes)
    stop("type \"", type, "\" is for classes; this model has a numeric response", call. = FALSE)
}

# The columns that the model wants, from new data or from those it was fitted to.
prediction_columns <- function(object, newdata, na.action) {
  if (is.null(object$terms)) return(columns_by_name(object, newdata))
  frame <- object$model
  if (!is.null(newdata)) {
    terms <- delete.response(object$terms$all)
    frame <- model.frame(terms, newdata, na.action = na.action, xlev = object$xlevels)
    .checkMFClasses(attr(object$terms$all, "dataClasses")[names(frame)], frame)
  }
  x <- inputs_of(object, frame)$x
  list(names = rownames(frame),
       columns = as_columns(x))
}

# Of a model without a formula: columns of these names, as the program was given them.
columns_by_name <- function(object, newdata) {
  if (is.null(newdata)) stop("this model was loaded from a file: give newdata", call. = FALSE)
  newdata <- as.data.frame(newdata, optional = TRUE)
  list(names = rownames(newdata), columns = as.list(newdata))
}

# The results of complete rows among all rows, the others NA.
with_rows <- function(result, complete, names) {
  place <- rep(NA_integer_, length(complete))
  place[complete] <- seq_len(sum(complete))
  if (is.null(dim(result))) return(setNames(result[place], names))
  if (length(dim(result)) == 2L) {
    result <- result[place, , drop = FALSE]
    rownames(result) <- names
    return(result)
  }
  result <- result[place, , , drop = FALSE]
  dimnames(result)[[1L]] <- names
  result
}

# As predict.lm has it; of several targets an array (samples, 3, targets).
interval_of <- function(found) {
  if (is.null(found$lower)) stop("this model has no intervals", call. = FALSE)
  bounds <- list(fit = found$mean, lwr = found$lower, upr = found$upper)
  if (is.null(dim(found$mean))) return(do.call(cbind, bounds))
  aperm(simplify2array(bounds), c(1L, 3L, 2L))
}

# Columns of inputs (and perhaps targets) -> what the program predicts, one row each.
run_predict <- function(object, columns, level = NULL) {
  table <- with_checkpoint(object$checkpoint, function(model, folder) {
    data <- file.path(folder, "data.csv")
    output <- file.path(folder, "predictions.csv")
    write_table(columns, data)
    run_program(c("predict", model, "--data", data, "--density", "--quiet", "--output", output,
                  if (!is.null(level)) c("--interval", format(level, digits = 15))))
    read_predictions(output)
  })
  expert <- seq_len(object$description$n_experts) - 1L
  proportions <- list(gate = block(table, paste0("g_", expert), expert_names(object)),
                      posterior = block(table, paste0("h_", expert), expert_names(object)))
  c(proportions, if (is_classifier(object)) class_predictions(object, table) else number_predictions(object, table))
}

expert_names <- function(object) paste0("expert", seq_len(object$description$n_experts))

# Columns of a table as a matrix; NULL if it has none of these names.
block <- function(table, columns, names = columns) {
  if (!all(columns %in% names(table))) return(NULL)
  matrix(unlist(table[columns], use.names = FALSE), nrow(table), dimnames = list(NULL, names))
}

# (samples, experts, what) of the columns prefix_expert_what.
expert_block <- function(object, table, prefix, what, names = what) {
  expert <- seq_len(object$description$n_experts) - 1L
  values <- lapply(expert, function(e) block(table, paste0(prefix, "_", e, "_", what)))
  values <- array(unlist(values), c(nrow(table), length(what), length(expert)),
                  list(NULL, names, expert_names(object)))
  aperm(values, c(1L, 3L, 2L))
}

class_predictions <- function(object, table) {
  classes <- unlist(object$description$classes)
  levels <- if (is.null(object$levels)) classes else object$levels
  if (!is.null(object$labels)) classes <- object$labels
  probability <- block(table, paste0("p_", classes), levels)
  list(mean = if (length(levels) == 2L) probability[, 2L] else probability, probability = probability,
       class = factor(levels[max.col(probability, "first")], levels),
       experts = expert_block(object, table, "p", classes, levels))
}

number_predictions <- function(object, table) {
  targets <- unlist(object$description$targets)
  is_number <- paste0("y_", targets[1L]) %in% names(table)
  column <- function(prefix) {
    found <- block(table, paste0(prefix, "_", targets), targets)
    if (length(targets) == 1L && !is.null(found)) found[, 1L] else found
  }
  mean <- column(if (is_number) "y" else "p")
  experts <- expert_block(object, table, if (is_number) "o" else "p", targets)
  if (length(targets) == 1L) experts <- matrix(experts, nrow(table), dimnames = dimnames(experts)[1:2])
  list(mean = mean, variance = if (is_number) column("variance") else mean * (1 - mean),
       experts = experts, lower = column("lower"), upper = column("upper"))
}
