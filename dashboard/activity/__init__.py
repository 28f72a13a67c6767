"""The parts of the activity page, one file each."""
