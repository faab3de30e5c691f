# SPDX-License-Identifier: BSD-3-Clause

plot.coterie <- function(x, which = c("fit", "gate", "history"), level = 0.95,
                         ask = length(which) > prod(par("mfcol")) && dev.interactive(), ...) {
  which <- match.arg(which, several.ok = TRUE)
  need_fit(x, "data to plot")
  if (ask) {
    before <- devAskNewPage(TRUE)
    on.exit(devAskNewPage(before))
  }
  for (what in which)
    switch(what, fit = plot_fit(x, level, ...), gate = plot_gate(x, ...), history = plot_history(x, ...))
  invisible(x)
}

expert_colours <- function(n) if (n == 1L) "#0072B2" else hcl.colors(n, "Dark 3")

# One numeric variable and one response: the curve over it. Else what was predicted against what was seen.
plot_fit <- function(x, level, ...) {
  if (is_classifier(x)) return(plot_classes(x, ...))
  variable <- only_variable(x)
  if (!is.null(variable) && is.null(dim(x$fitted.values))) return(plot_curve(x, variable, level, ...))
  leader <- max.col(x$posterior, "first")
  colours <- expert_colours(x$description$n_experts)
  y <- as.matrix(model.response(x$model))
  fitted <- as.matrix(x$fitted.values)
  for (k in seq_len(ncol(y))) {
    name <- colnames(fitted)[k]
    plot(fitted[, k], y[, k], xlab = "Fitted", ylab = if (is.null(name)) deparse_one(x$formula[[2L]]) else name,
         main = "Observed and fitted", col = colours[leader], pch = 20, ...)
    abline(0, 1, col = "grey50")
    expert_legend(x, "topleft")
  }
}

expert_legend <- function(object, where, ...) {
  n <- object$description$n_experts
  if (n > 1L && n <= 12L)
    legend(where, legend = paste("expert", seq_len(n)), col = expert_colours(n), pch = 20, bty = "n", ...)
}

# The name of the only variable, if it is one of numbers; else NULL.
only_variable <- function(object) {
  variables <- setdiff(names(object$model), c(names(object$model)[1L], "(weights)", "(groups)"))
  raw <- all.vars(delete.response(object$terms$all))
  if (length(variables) != 1L || length(raw) != 1L || raw != variables) return(NULL)
  column <- object$model[[variables]]
  if (is.numeric(column) && is.null(dim(column))) variables
}

plot_curve <- function(x, variable, level, ...) {
  seen <- x$model[[variable]]
  y <- model.response(x$model)
  at <- seq(min(seen), max(seen), length.out = 200L)
  new <- setNames(data.frame(at), variable)
  band <- predict(x, new, "interval", level = level)
  experts <- predict(x, new, "experts")
  gate <- predict(x, new, "gate")
  colours <- expert_colours(ncol(experts))
  plot(seen, y, type = "n", xlab = variable, ylab = deparse_one(x$formula[[2L]]), ylim = range(y, band[, -1L]),
       main = "Mean, interval and experts", ...)
  polygon(c(at, rev(at)), c(band[, "lwr"], rev(band[, "upr"])), border = NA, col = adjustcolor("grey50", 0.2))
  points(seen, y, col = adjustcolor(colours[max.col(x$posterior, "first")], 0.7), pch = 20)
  # An expert is drawn where the gate gives it a share.
  for (e in seq_len(ncol(experts)))
    lines(at, ifelse(gate[, e] > 0.05, experts[, e], NA), col = colours[e], lwd = 1.5, lty = 2)
  lines(at, band[, "fit"], lwd = 2)
  expert_legend(x, "topleft")
}

plot_classes <- function(x, ...) {
  probability <- x$fitted.values
  if (is.null(dim(probability))) probability <- cbind(1 - probability, probability)
  seen <- factor(as.character(model.response(x$model)), x$levels)
  mean <- vapply(x$levels, function(level) colMeans(probability[seen == level, , drop = FALSE]),
                 numeric(ncol(probability)))
  # Room for the legend at the right.
  barplot(mean, names.arg = x$levels, col = expert_colours(ncol(probability)), border = NA,
          xlim = c(0, 1.2 * ncol(mean) * 1.5), legend.text = x$levels,
          args.legend = list(x = "right", title = "predicted", bty = "n", border = NA), xlab = "Observed class",
          ylab = "Mean probability", main = "Predicted probabilities by class", ...)
}

# Mixing proportions: over the only variable, or of all samples side by side, those of an expert together.
plot_gate <- function(x, ...) {
  colours <- expert_colours(x$description$n_experts)
  variable <- only_variable(x)
  if (!is.null(variable)) {
    seen <- x$model[[variable]]
    at <- seq(min(seen), max(seen), length.out = 200L)
    matplot(at, predict(x, setNames(data.frame(at), variable), "gate"), type = "l", lty = 1, lwd = 2, col = colours,
            ylim = c(0, 1), xlab = variable, ylab = "Mixing proportion g", main = "Gate", ...)
    return(expert_legend(x, "left", bg = "white"))
  }
  leader <- max.col(x$gate, "first")
  order <- order(leader, -x$gate[cbind(seq_along(leader), leader)])
  barplot(t(unname(x$gate[order, , drop = FALSE])), space = 0, border = NA, col = colours, xlab = "Sample, by expert",
          xlim = c(0, 1.3 * length(order)), ylab = "Mixing proportion g", main = "Gate", ...)
  expert_legend(x, "right")
}

plot_history <- function(x, ...) {
  history <- x$history
  error <- cbind(training = history$error, "held out" = history$error_valid)
  error <- error[, colSums(is.finite(error)) > 0, drop = FALSE]
  matplot(history$epoch, error, type = "l", lty = 1, lwd = 2, col = c("#0072B2", "#D55E00"), xlab = "Epoch",
          ylab = "Error", main = "Training", ...)
  if (ncol(error) > 1L) legend("topright", legend = colnames(error), col = c("#0072B2", "#D55E00"), lwd = 2, bty = "n")
}
