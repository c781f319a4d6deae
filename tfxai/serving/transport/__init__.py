"""HTTP: routes, the page, the socket, logs and metrics."""
