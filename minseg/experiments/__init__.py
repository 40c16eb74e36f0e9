"""What lessons measure, without a widget: one experiment a file, named by what it measures."""
