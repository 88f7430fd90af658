"""Complete networks."""
