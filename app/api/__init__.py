"""The endpoints, a file each; ``app.application`` puts them together."""
