"""The page: static files written here, and code for calls in other languages."""
