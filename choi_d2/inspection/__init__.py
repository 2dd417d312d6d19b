"""Looking: at data sets, at what training sees, at results, and into a model."""
