"""Everything that needs torch to run: data sets, training, evaluation, export."""
