"""The pages: documents that the server renders, in three languages, and the modules that take them over."""
