"""`python -m ops audit`: compares journal, orders, tickets and stock across all databases."""
