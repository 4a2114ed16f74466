"""The middleware in front of the application, a concern a file."""
