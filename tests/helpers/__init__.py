"""What several test files share: recorded cases of peers, small models, runs, a browser."""
