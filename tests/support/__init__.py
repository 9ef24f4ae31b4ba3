"""What several test files share; each module is named by what it holds."""
