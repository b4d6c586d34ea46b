"""One HTML page that needs nothing else: from plain data to text."""
