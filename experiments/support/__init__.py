"""What experiments share: the command line and result files, and drawings that only they need."""
