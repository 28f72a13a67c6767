"""The page beside the baseline's route: nobody opens it."""
