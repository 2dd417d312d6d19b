"""Looking: pictures of data sets, of what training sees, and of results."""
