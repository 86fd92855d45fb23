"""`python -m ops archive`: moves what was finished long ago from the databases into files, and reads them back."""
