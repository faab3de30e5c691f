# SPDX-License-Identifier: BSD-3-Clause

print.coterie <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  show_head(x)
  coefficients <- tryCatch(coef(x), error = function(problem) NULL)
  if (!is.null(coefficients)) {
    cat("\nCoefficients", if (is_classifier(x)) paste0(" (logits against ", first_class(x), ")"), ":\n", sep = "")
    print(coefficients, digits = digits)
  }
  cat("\n")
  invisible(x)
}

first_class <- function(object) if (is.null(object$levels)) object$description$classes[[1L]] else object$levels[1L]

show_head <- function(object) {
  model <- object$description
  cat("\n")
  if (!is.null(object$call)) cat("Call:\n", paste(deparse(object$call), collapse = "\n"), "\n\n", sep = "")
  layers <- function(part) {
    hidden <- model$options[[paste0(part, "_hidden")]]
    if (hidden == "none") "linear" else paste(gsub(",", "-", hidden), model$options$activation, "units")
  }
  gate <- if (model$options$gate == "gaussian") "Gaussian" else layers("gate")
  if (!model$options$gate %in% c("softmax", "gaussian")) gate <- model$options$gate
  cat(model$n_experts, " expert", if (model$n_experts > 1L) "s", " (", layers("expert"), ", ",
      model$options$likelihood, "), gate (", gate, "), ", model$n_free_parameters, " free parameters\n", sep = "")
}

summary.coterie <- function(object, robust = FALSE, ...) {
  result <- list(model = object, nobs = object$measured$n)
  if (!is.null(object$measured)) {
    result$experts <- object$measured$experts
    rownames(result$experts) <- expert_names(object)
    colnames(result$experts) <- c("share", "posterior", "first for")
    result$likelihood <- tryCatch(logLik(object), error = function(problem) NULL)
    result$residuals <- if (!is_classifier(object) && is.null(dim(object$fitted.values))) residuals(object)
    result <- c(result, inference(object, robust))
  }
  if (is.null(result$coefficients)) {
    result$coefficients <- tryCatch(coef(object), error = function(problem) NULL)
    result$gate <- if (object$description$n_experts > 1L)
      tryCatch(coef(object, "gate"), error = function(problem) NULL)
  }
  result$sigma <- tryCatch(sigma(object), error = function(problem) NULL)
  structure(result, class = "summary.coterie")
}

# Coefficients with standard errors, as `coterie summary` has them: lists of matrices. Older programs have none.
inference <- function(object, robust) {
  if (!has_command("summary")) return(NULL)
  table <- training_table(object)
  said <- with_checkpoint(object$checkpoint, function(model, folder) {
    data <- file.path(folder, "data.csv")
    write_table(table$used, data)
    # What it warns of is part of the result.
    suppressWarnings(run_program(c("summary", model, "--data", data, table$roles, "--part", object$part, "--json",
                                   if (robust) "--robust")))
  })
  said <- from_json(said)
  if (is.null(said$standard_errors) || is.na(said$standard_errors)) return(NULL)
  experts <- said$experts[order(vapply(said$experts, function(expert) expert$expert, 0))]
  coefficients <- unlist(lapply(experts, function(expert) lapply(expert$outputs, function(output)
    coefficient_table(output$coefficients, object))), recursive = FALSE)
  names(coefficients) <- unlist(lapply(experts, function(expert) vapply(expert$outputs, function(output)
    output_title(object, expert, output), "")))
  gate <- lapply(said$gate, function(logit) coefficient_table(logit$coefficients, object))
  names(gate) <- vapply(said$gate, function(logit)
    paste0("expert", logit$expert + 1, " against expert", logit$against + 1), "")
  list(coefficients = coefficients, gate = if (length(gate)) gate,
       doubt = if (!is.null(said$doubt) && !is.na(said$doubt)) said$doubt)
}

coefficient_table <- function(rows, object) {
  value <- function(name) vapply(rows, function(row) as.numeric(row[[name]]), 0)
  matrix(c(value("estimate"), value("std_error"), value("z"), value("p")), length(rows),
         dimnames = list(term_names(object)[match(vapply(rows, function(row) row$name, ""),
                                                  c("(intercept)", unlist(object$description$inputs)))], c("Estimate", "Std. Error", "z value", "Pr(>|z|)")))
}

output_title <- function(object, expert, output) {
  name <- paste0("expert", expert$expert + 1)
  level <- function(label) if (is.null(object$labels)) label else object$levels[match(label, object$labels)]
  if (is_classifier(object)) {
    against <- if (is.na(output$against)) "" else paste(" against", level(output$against))
    return(paste0(name, ", ", level(output$output), against))
  }
  if (length(object$description$targets) > 1L) paste0(name, ", ", output$output) else name
}

print.summary.coterie <- function(x, digits = max(3L, getOption("digits") - 3L),
                                  signif.stars = getOption("show.signif.stars"), ...) {
  show_head(x$model)
  show <- function(title, value) {
    if (is.null(value)) return(invisible())
    cat("\n", title, "\n", sep = "")
    if (is.list(value)) show_tables(value, digits, signif.stars) else print(value, digits = digits)
  }
  if (!is.null(x$residuals))
    show("Residuals:", setNames(stats::quantile(x$residuals, na.rm = TRUE), c("Min", "1Q", "Median", "3Q", "Max")))
  against <- if (is_classifier(x$model) && !is.list(x$coefficients)) paste0(" (logits against ", first_class(x$model), ")")
  show(paste0("Coefficients", against, ":"), x$coefficients)
  show("Standard deviations:", x$sigma)
  show(if (is.list(x$gate)) "Gate:" else "Gate (logits against expert1):", x$gate)
  show("Experts:", x$experts)
  if (!is.null(x$doubt)) cat("\nStandard errors: ", x$doubt, "\n", sep = "")
  show_fit(x, digits)
  invisible(x)
}

# Tables of coefficients with their errors; of a Gaussian gate its parts.
show_tables <- function(tables, digits, signif.stars) {
  last <- names(tables)[length(tables)]
  for (name in names(tables)) {
    cat(name, "\n", sep = "")
    if (identical(colnames(tables[[name]])[2L], "Std. Error"))
      stats::printCoefmat(tables[[name]], digits = digits, signif.stars = signif.stars,
                          signif.legend = signif.stars && name == last, na.print = "NA")
    else print(tables[[name]], digits = digits)
  }
}

show_fit <- function(x, digits) {
  measured <- x$model$measured
  cat("\n")
  if (is.null(measured)) return(invisible())
  if (!is.null(x$likelihood))
    cat("Log-likelihood ", format(c(x$likelihood), digits = digits), " on ", attr(x$likelihood, "df"),
        " df, AIC ", format(AIC(x$likelihood), digits = digits), ", BIC ", format(BIC(x$likelihood), digits = digits),
        "\n", sep = "")
  quality <- if (is_classifier(x$model)) c("Accuracy", format(measured$accuracy, digits = digits))
             else c("Root mean square error", format(measured$rmse, digits = digits))
  omitted <- naprint(x$model$na.action)
  cat(quality[1L], " ", quality[2L], " on ", x$nobs, " observations", if (nzchar(omitted)) paste0(" (", omitted, ")"),
      "\n", sep = "")
}
