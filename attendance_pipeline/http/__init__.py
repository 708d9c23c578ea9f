"""One session for all vendors: auth, pacing, retries, bounds, and the error types."""
