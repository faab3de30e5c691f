# SPDX-License-Identifier: BSD-3-Clause

coef.coterie <- function(object, part = c("experts", "gate"), ...) {
  part <- match.arg(part)
  model <- object$description
  if (model$options[[paste0(sub("s$", "", part), "_hidden")]] != "none")
    stop("the ", sub("s$", "", part), if (part == "experts") "s have" else " has", " hidden layers: there are no ",
         "coefficients of the inputs", call. = FALSE)
  if (part == "experts") expert_coefficients(object) else gate_coefficients(object)
}

scaler_of <- function(model) {
  lapply(setNames(nm = c("x_mean", "x_scale", "y_mean", "y_scale")),
         function(name) as.numeric(unlist(model$arrays[[paste0("/scaler/", name)]])))
}

# Weights (units, inputs) and biases for scaled inputs -> (intercept and inputs, units) for those of the data.
unscaled <- function(weight, bias, scaler) {
  slope <- weight / rep(scaler$x_scale, each = nrow(weight))
  rbind(bias - as.vector(slope %*% scaler$x_mean), t(slope))
}

term_names <- function(object) {
  inputs <- unlist(object$description$inputs)
  # Those that tell of missing values follow the formula's.
  c("(Intercept)", object$columns, inputs[seq_along(inputs) > length(object$columns)])
}

# The rows of a table of coefficients, or of inputs alone, that the gate or the experts have. Older programs have all.
sees <- function(object, part, intercept = TRUE) {
  inputs <- unlist(object$description$inputs)
  seen <- object$description[[paste0(part, "_inputs")]]
  c(if (intercept) TRUE, if (is.null(seen)) rep(TRUE, length(inputs)) else inputs %in% unlist(seen))
}

expert_coefficients <- function(object) {
  model <- object$description
  scaler <- scaler_of(model)
  weight <- json_array(model$arrays[["/experts/layer0/weight"]]) # (E, O, D)
  bias <- json_array(model$arrays[["/experts/layer0/bias"]])     # (E, O)
  units <- if (is_classifier(object)) class_units(object) else unlist(model$targets)
  values <- lapply(seq_len(model$n_experts), function(e) {
    found <- unscaled(matrix(weight[e, , ], dim(weight)[2L]), bias[e, ], scaler)
    if (is_classifier(object)) return(against_first(object, found))
    if (length(scaler$y_scale)) {
      found <- found * rep(scaler$y_scale, each = nrow(found))
      found[1L, ] <- found[1L, ] + scaler$y_mean
    }
    found
  })
  values <- array(unlist(values), c(dim(values[[1L]]), length(values)),
                  list(term_names(object), units, expert_names(object)))[sees(object, "expert"), , , drop = FALSE]
  # One unit: (terms, experts); one expert: as coef of lm has it.
  if (length(units) == 1L) values <- matrix(values, dim(values)[1L], dimnames = dimnames(values)[c(1L, 3L)])
  if (model$n_experts > 1L) return(values)
  if (length(units) == 1L) values[, 1L] else matrix(values, dim(values)[1L], dimnames = dimnames(values)[1:2])
}

# The classes beside the first, of which the logits are told.
class_units <- function(object) {
  levels <- if (is.null(object$levels)) unlist(object$description$classes) else object$levels
  levels[-1L]
}

# Logits against those of the first level; of a logistic unit there is one, for the second label.
against_first <- function(object, found) {
  classes <- unlist(object$description$classes)
  labels <- if (is.null(object$labels)) classes else object$labels
  if (ncol(found) == 1L) return(if (labels[1L] == classes[1L]) found else -found)
  found <- found[, match(labels, classes), drop = FALSE]
  found[, -1L, drop = FALSE] - found[, 1L]
}

# Logits of the experts against the first; of a Gaussian gate its shares, means and covariances.
gate_coefficients <- function(object) {
  model <- object$description
  scaler <- scaler_of(model)
  if (!is.null(model$arrays[["/gate/gaussian/alpha"]])) {
    named <- list(term_names(object)[-1L], expert_names(object))
    seen <- sees(object, "gate", FALSE)
    mean <- t(json_array(model$arrays[["/gate/gaussian/mean"]])) * scaler$x_scale + scaler$x_mean
    covariance <- aperm(json_array(model$arrays[["/gate/gaussian/covariance"]]), c(2L, 3L, 1L))
    return(list(alpha = setNames(as.numeric(unlist(model$arrays[["/gate/gaussian/alpha"]])), named[[2L]]),
                mean = matrix(mean, ncol = model$n_experts, dimnames = named)[seen, , drop = FALSE],
                covariance = array(covariance * as.vector(scaler$x_scale %o% scaler$x_scale), dim(covariance),
                                   named[c(1L, 1L, 2L)])[seen, seen, , drop = FALSE]))
  }
  if (model$options$gate != "softmax")
    stop("gate = ", model$options$gate, " has no coefficients of the experts", call. = FALSE)
  weight <- json_array(model$arrays[["/gate/layer0/weight"]]) # (E, D)
  found <- unscaled(weight, as.numeric(unlist(model$arrays[["/gate/layer0/bias"]])), scaler)
  dimnames(found) <- list(term_names(object), expert_names(object))
  (found - found[, 1L])[sees(object, "gate"), , drop = FALSE]
}

# Standard deviations of the experts, in the units of the response: (experts) or (experts, targets).
sigma.coterie <- function(object, ...) {
  if (object$description$options$likelihood != "gaussian")
    stop("the experts' likelihood is ", object$description$options$likelihood, ": there is no sigma", call. = FALSE)
  found <- sqrt(as.numeric(unlist(object$description$arrays[["/experts/variance"]]))) %o%
    scaler_of(object$description)$y_scale
  dimnames(found) <- list(expert_names(object), unlist(object$description$targets))
  if (ncol(found) == 1L) setNames(found[, 1L], expert_names(object)) else found
}

logLik.coterie <- function(object, ...) {
  need_fit(object, "log-likelihood")
  if (is.null(object$measured$nll) || is.na(object$measured$nll))
    stop("error = ", object$description$options$error, " has no likelihood", call. = FALSE)
  structure(-object$measured$nll * object$measured$weight, df = object$description$n_free_parameters,
            nobs = object$measured$n, class = "logLik")
}

nobs.coterie <- function(object, ...) {
  need_fit(object, "number of observations")
  object$measured$n
}

need_fit <- function(object, what) {
  if (is.null(object$measured)) stop("a model loaded from a file has no ", what, call. = FALSE)
}

formula.coterie <- function(x, ...) x$formula
model.frame.coterie <- function(formula, ...) formula$model
fitted.coterie <- function(object, ...) naresid(object$na.action, named_rows(object, object$fitted.values))

named_rows <- function(object, values) {
  need_fit(object, "fitted values")
  if (is.null(dim(values))) setNames(values, rownames(object$model))
  else `rownames<-`(values, rownames(object$model))
}

residuals.coterie <- function(object, type = c("response", "pearson"), ...) {
  type <- match.arg(type)
  need_fit(object, "residuals")
  fitted <- object$fitted.values
  y <- model.response(object$model)
  if (is_classifier(object)) {
    number <- match(as.character(y), object$levels)
    y <- if (is.null(dim(fitted))) number - 1 else diag(length(object$levels))[number, , drop = FALSE]
    variance <- fitted * (1 - fitted)
  } else
    variance <- object$variance
  found <- y - fitted
  if (type == "pearson") found <- found / sqrt(variance)
  naresid(object$na.action, named_rows(object, found))
}
