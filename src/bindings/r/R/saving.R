# SPDX-License-Identifier: BSD-3-Clause
# A fitted model holds its checkpoint, so that saveRDS() keeps all of it. The file alone:

coterie_save <- function(object, path) {
  writeBin(object$checkpoint, path)
  invisible(path)
}

coterie_load <- function(path) {
  if (!file.exists(path)) stop(path, ": no such file or run directory", call. = FALSE)
  if (dir.exists(path)) {
    found <- file.path(path, "checkpoints", c("best", "latest"))
    found <- found[file.exists(found)]
    if (!length(found)) stop(path, " is no run directory: it has no checkpoints", call. = FALSE)
    path <- found[1L]
  }
  structure(list(checkpoint = read_bytes(path), description = describe_checkpoint(path)), class = "coterie")
}
