"""What reports are made of: columns, numbers as people read them, and how figures look."""
