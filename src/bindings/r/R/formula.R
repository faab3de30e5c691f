# SPDX-License-Identifier: BSD-3-Clause
# y ~ x1 + x2 | w: a response, the inputs of the experts and those of the gate.

# The two sides of |; gate is NULL where there is none, and the gate sees what the experts see.
split_formula <- function(formula) {
  if (!inherits(formula, "formula") || length(formula) != 3L)
    stop("the formula needs a response, as in y ~ x1 + x2", call. = FALSE)
  right <- formula[[3L]]
  is_bar <- function(part) is.call(part) && identical(part[[1L]], as.name("|"))
  if (!is_bar(right)) return(list(experts = formula, gate = NULL))
  if (is_bar(right[[2L]]))
    stop("the formula has more than one |: y ~ inputs of the experts | inputs of the gate", call. = FALSE)
  experts <- gate <- formula
  experts[[3L]] <- right[[2L]]
  gate[[3L]] <- right[[3L]]
  list(experts = experts, gate = gate)
}

# Terms of both parts, the dot spelt out, and one formula with the variables of both.
formula_terms <- function(formula, data) {
  parts <- split_formula(formula)
  for_terms <- if (is.data.frame(data)) data else NULL
  result <- lapply(parts[!vapply(parts, is.null, TRUE)], terms, data = for_terms)
  if (attr(result$experts, "intercept") == 0L)
    stop("the experts always have an intercept: leave out `- 1` or `+ 0`", call. = FALSE)
  all <- formula(result$experts)
  if (!is.null(result$gate))
    all[[3L]] <- call("+", all[[3L]], formula(result$gate)[[3L]])
  environment(all) <- environment(formula)
  c(result, list(all = all))
}

# Columns of numbers without the intercept: factors by their contrasts, as lm makes them.
design <- function(terms, frame, contrasts = NULL) {
  terms <- delete.response(terms)
  attr(terms, "intercept") <- 1L # contrasts of factors are those beside an intercept
  here <- names(Filter(is_category, frame))
  contrasts <- contrasts[intersect(names(contrasts), intersect(here, all_variables(terms)))]
  matrix <- model.matrix(terms, frame, contrasts.arg = if (length(contrasts)) contrasts)
  columns <- matrix[, colnames(matrix) != "(Intercept)", drop = FALSE]
  attr(columns, "contrasts") <- attr(matrix, "contrasts")
  columns
}

all_variables <- function(terms) vapply(as.list(attr(terms, "variables"))[-1L], deparse_one, "")
deparse_one <- function(expression) paste(deparse(expression, width.cutoff = 500L, backtick = TRUE), collapse = " ")
is_category <- function(column) is.factor(column) || is.character(column) || is.logical(column)

offset_column <- "(offset)"

# Both designs of a frame, and all their columns side by side; then the offset, if there is one.
inputs_of <- function(object, frame) {
  experts <- design(object$terms$experts, frame, object$contrasts)
  gate <- if (is.null(object$terms$gate)) experts else design(object$terms$gate, frame, object$contrasts)
  x <- cbind(experts, gate[, setdiff(colnames(gate), colnames(experts)), drop = FALSE], model.offset(frame))
  if (!is.null(model.offset(frame))) colnames(x)[ncol(x)] <- offset_column
  list(experts = colnames(experts), gate = colnames(gate), x = x,
       contrasts = c(attr(experts, "contrasts"), attr(gate, "contrasts")))
}

# Of inputs the program learns what is missing, if na.action has let it pass.
check_finite <- function(columns, may_lack = FALSE) {
  wrong <- which(colSums(if (may_lack) is.infinite(columns) else !is.finite(columns)) > 0)
  if (length(wrong)) stop("`", colnames(columns)[wrong[1]], "` has infinite values or NaN", call. = FALSE)
}

# What the program is to learn from y: columns of numbers, or one of labels.
response_of <- function(y, name) {
  if (is.null(y)) stop("the formula has no response", call. = FALSE)
  if (is_category(y)) {
    y <- droplevels(as.factor(y))
    if (nlevels(y) < 2L) stop("there is only one class in ", name, "; at least two are needed", call. = FALSE)
    # What the program could take for a number or for nothing gets a name that is neither.
    labels <- levels(y)
    if (any(labels != trimws(labels) | labels == "" | !is.na(suppressWarnings(as.numeric(labels))) |
            tolower(labels) %in% c("na", "nan", "null", "none", "?", "-", ".", "n/a", "inf", "-inf")))
      labels <- paste0("class", seq_along(labels))
    return(list(levels = levels(y), labels = labels,
                columns = setNames(list(labels[as.integer(y)]), name)))
  }
  if (!is.numeric(y) || inherits(y, "Surv"))
    stop("the response is of class ", class(y)[1], ", not numbers or a factor", call. = FALSE)
  columns <- as.matrix(y)
  if (is.null(colnames(columns)))
    colnames(columns) <- if (ncol(columns) == 1L) name else paste0(name, seq_len(ncol(columns)))
  check_finite(columns)
  list(columns = as.list(as.data.frame(columns, optional = TRUE)))
}
